-- Chunks as the reader sees them: numbers, anchors, links to what they use
-- and define, and the HTML of one chunk.

local c, indexes = require 'c', require 'indexes'
local M = {
	known = {},		-- every identifier that occurs in some chunk
	private = {},		-- private[name][file]: static in that file
	taken = {},		-- every anchor given out so far
}
local book

function M.slug(s)
	return (s:lower():gsub('[^%w]+', '-'):gsub('^%-', ''):gsub('%-$', ''))
end

function M.keep_private(name, file)
	M.private[name] = M.private[name] or {}
	M.private[name][file] = true
end

function M.fresh(id)
	local n, free = 1, id
	while M.taken[free] do
		n = n + 1
		free = id .. '-x' .. n
	end
	M.taken[free] = true
	return free
end

function M.number(woven)
	book = woven
	for _, chapter in ipairs(book.chapters) do
		for i, chunk in ipairs(chapter.chunks) do
			local id = 'chunk-' .. M.slug(chunk.name)
			if chunk.part > 1 then id = id .. '-' .. chunk.part end
			chunk.id = M.fresh(id)
			chunk.number = (chapter.number or chapter.letter) ..
			    '.' .. i
			chunk.words = {}
			c.each_identifier(chunk.body, function(name, member)
				M.known[name] = true
				if not member then chunk.words[name] = true end
			end)
		end
	end
end

-- The chunk that defines an identifier, as seen from a file: its own static
-- function first, nobody else's, then what is defined for all.
function M.definition(name, file)
	local entry, other = book.idents[name], nil
	for _, chunk in ipairs(entry and entry.defs or {}) do
		if chunk.file == file then return chunk end
		if not (M.private[name] and M.private[name][chunk.file]) then
			other = other or chunk
		end
	end
	return other
end

function M.linker(file, self)
	return function(kind, name)
		if kind == 'inv' then
			return indexes.invariants[name] and '#' .. name, 'i'
		elseif kind == 'chunk' then
			local parts = book.names[name]
			return parts and '#' .. parts[1].id
		end
		local chunk = M.definition(name, file)
		if chunk and chunk == self then return nil, 'd' end
		return chunk and '#' .. chunk.id
	end
end

function M.link(chunk, text)
	return '<a href="#' .. chunk.id .. '">' .. text .. '</a>'
end

function M.html(chunk)
	local parts = book.names[chunk.name]
	local before, after = parts[chunk.part - 1], parts[chunk.part + 1]
	local name = c.escape(chunk.name)
	local html = { '<figure class="chunk" id="', chunk.id, '"><figcaption>',
	    '<a class="no" href="#', chunk.id, '" title="', chunk.file, ':',
	    chunk.line, '">', chunk.number, '</a> <span class="name">⟨',
	    before and M.link(parts[1], name) or name, '⟩</span>',
	    before and ' <span class="op">+≡</span>' or
	    ' <span class="op">≡</span>' }
	local function put(...)
		for _, s in ipairs { ... } do table.insert(html, s) end
	end
	if before or after then
		put('<span class="parts">',
		    before and M.link(before, '◂ ' .. before.number) or '',
		    after and M.link(after, after.number .. ' ▸') or '',
		    '</span>')
	end
	put('</figcaption><pre>', c.colour(chunk.body:gsub('\n$', ''),
	    M.linker(chunk.file, chunk)), '</pre>')
	local notes, users = {}, {}
	for _, label in ipairs(parts[1].users) do
		local user = book.labels[label]
		table.insert(users, user.number .. ' ⟨' ..
		    M.link(user, c.escape(user.name)) .. '⟩')
	end
	if #users > 0 then
		table.insert(notes, 'Used in ' .. table.concat(users, ', '))
	elseif chunk.part == 1 then
		table.insert(notes, chunk.name:match('%.[%a]+$') and
		    'A file of its own' or 'Used nowhere')
	end
	if #chunk.defines > 0 then
		local names = {}
		for _, name in ipairs(chunk.defines) do
			table.insert(names, '<a class="id" href="#id-' .. name
			    .. '">' .. name .. '</a>')
		end
		table.insert(notes, 'Defines ' .. table.concat(names, ', '))
	end
	if #notes > 0 then
		put('<p class="xref">', table.concat(notes, '. '), '.</p>')
	end
	put('</figure>')
	return pandoc.RawBlock('html', table.concat(html))
end

return M
