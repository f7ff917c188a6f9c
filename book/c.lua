-- Colours C (and, well enough, dot, sh and R) as HTML whose identifiers and
-- chunk names are links. A general highlighter cannot hold links, so here
-- are the few rules that a page of this book needs.

local M = {}

local keywords, types = {}, {}
for w in ([[auto break case const continue default do else enum extern for
    goto if inline register return sizeof static struct switch typedef union
    volatile while _Static_assert _Noreturn _Alignas _Alignof _Generic
    digraph subgraph node edge]]):gmatch('%S+') do keywords[w] = true end
for w in ([[bool char double float int long short signed unsigned void FILE
    DIR SEXP]]):gmatch('%S+') do types[w] = true end

function M.escape(s)
	return (s:gsub('&', '&amp;'):gsub('<', '&lt;'):gsub('>', '&gt;'))
end

local function span(class, html)
	return '<span class="' .. class .. '">' .. html .. '</span>'
end

-- Lua has no alternation, so each class of token is tried in turn.
local tokens = {
	{ 'chunk', '^\1(.-)\2' },
	{ 'comment', '^/%*.-%*/' },
	{ 'comment', '^//[^\n]*' },
	{ 'directive', '^#[ \t]*%a+' },
	{ 'string', '^"[^"\n]*"' },
	{ 'string', "^'\\?[^\n]'" },
	{ 'string', "^'\\x?%x+'" },
	{ 'word', '^[%a_][%w_]*' },
	{ 'number', '^%d[%w.]*' },
	{ 'other', '^%s+' },
}

-- The end of the string that opens at i: a quote after a backslash is inside.
local function string_end(s, i)
	local j = i + 1
	while j <= #s do
		local c = s:sub(j, j)
		if c == '\\' then j = j + 1
		elseif c == '"' then return j
		elseif c == '\n' then return nil end
		j = j + 1
	end
end

local function next_token(s, i)
	for _, t in ipairs(tokens) do
		local a, b = s:find(t[2], i)
		if a and t[1] == 'directive' and
		    s:sub(1, i - 1):match('[^%s\n][^\n]*$') then
			a = nil		-- a # inside a line is no directive
		end
		if a and s:sub(i, i) == '"' then b = string_end(s, i) or b end
		if a then return t[1], b end
	end
	return 'other', i
end

local function is_member(s, i)
	return s:sub(i - 1, i - 1) == '.' or s:sub(i - 2, i - 1) == '->'
end

-- html = colour(source, link): link(kind, name) gives an href or nil, for
-- kind 'chunk', 'ident' and 'inv', and as second value a class.
function M.colour(s, link)
	local out, i = {}, 1
	local function put(html) out[#out + 1] = html end
	local function anchor(kind, name, html)
		local href, class = link(kind, name)
		if not href then return class and span(class, html) or html end
		return '<a' .. (class and ' class="' .. class .. '"' or '') ..
		    ' href="' .. href .. '">' .. html .. '</a>'
	end
	while i <= #s do
		local kind, last = next_token(s, i)
		local text = s:sub(i, last)
		if kind == 'chunk' then
			local name = text:sub(2, -2)
			put(span('use', '⟨' .. anchor('chunk', name,
			    M.escape(name)) .. '⟩'))
		elseif kind == 'comment' then
			put(span('c', (M.escape(text):gsub('%f[%w]I%d+%f[%W]',
			    function(id) return anchor('inv', id, id) end))))
		elseif kind == 'directive' then
			put(span('p', M.escape(text)))
		elseif kind == 'string' then
			put(span('s', M.escape(text)))
		elseif kind == 'number' then
			put(span('n', text))
		elseif kind == 'word' and keywords[text] then
			put(span('k', text))
		elseif kind == 'word' and
		    (types[text] or text:match('_t$')) then
			put(span('t', anchor('ident', text, text)))
		elseif kind == 'word' and is_member(s, i) then
			put(text)	-- whatever else may have its name
		elseif kind == 'word' then
			put(anchor('ident', text, text))
		else
			put(M.escape(text))
		end
		i = last + 1
	end
	return table.concat(out)
end

-- Calls found(name, is_member) for each identifier of a piece of C; names in
-- comments and strings are none.
function M.each_identifier(s, found)
	local i = 1
	while i <= #s do
		local kind, last = next_token(s, i)
		local text = s:sub(i, last)
		if kind == 'word' and not keywords[text] and
		    not types[text] then
			found(text, is_member(s, i))
		end
		i = last + 1
	end
end

return M
