-- pandoc reader: noweb's pipeline in, the whole book as one document out.
-- Each page is a Div of class "page"; links are "#id" throughout, so the same
-- document serves the HTML pages (pages.lua splits it) and the PDF.
-- What is wrong with the prose is collected and printed as file:line.

local here = PANDOC_SCRIPT_FILE:gsub('[^/]*$', '')
package.path = here .. '?.lua;' .. package.path
local stream, c, indexes = require 'stream', require 'c', require 'indexes'
local chunks, layout = require 'chunks', require 'layout'
local exhibits = require 'exhibits'
local work = os.getenv('WORK')
local utils, List = pandoc.utils, pandoc.List

local book			-- what stream.parse returned
local errors = {}
local function fail(file, line, message)
	table.insert(errors, file .. ':' .. line .. ': ' .. message)
end

-- Where in the source a piece of text stands, for messages only.
local function line_of(file, text)
	local n = 0
	for l in io.lines(file) do
		n = n + 1
		if l:find(text, 1, true) then return n end
	end
	return 1
end

local function rows(name)
	local list = {}
	local f = io.open(work .. '/' .. name)
	for l in f and f:lines() or function() end do
		local row = {}
		for field in (l .. '\t'):gmatch('(.-)\t') do
			table.insert(row, field)
		end
		table.insert(list, row)
	end
	return list
end

-- ---- Prose -------------------------------------------------------------

local values, structs = {}, {}

local function grouped(n)		-- 33554432 -> 33,554,432
	if #n < 5 or n:match('%D') then return n end
	return (n:reverse():gsub('(%d%d%d)', '%1,'):reverse():gsub('^,', ''))
end

local function quoted_code(quote)
	local expr = quote.text:match('^=(.*)')
	if expr then
		local v = values[expr]
		if not v then
			fail(quote.file, quote.line,
			    '[[=' .. expr .. ']] has no value')
		end
		return pandoc.RawInline('html', '<span class="value" title="'
		    .. c.escape(expr):gsub('"', '&quot;') .. '">'
		    .. grouped(v or '?') .. '</span>')
	end
	c.each_identifier(quote.text, function(name)
		if not chunks.known[name] then
			fail(quote.file, quote.line, '[[' .. quote.text ..
			    ']]: no chunk contains ' .. name)
		end
	end)
	return pandoc.RawInline('html', '<code>' ..
	    c.colour(quote.text, chunks.linker(quote.file)) .. '</code>')
end

-- Inside a literal block noweb's quotes are the author's own brackets.
local function unquote(text)
	return (text:gsub('`([^`\n]*)`{%.q n=%d+}', '[[%1]]'))
end

local function read_inlines(text)
	local doc = pandoc.read(text, 'markdown-auto_identifiers')
	return utils.blocks_to_inlines(doc.blocks)
end

local function invariant(div, chapter)
	local inv = indexes.invariants[div.identifier]
	local head = '<strong class="label"><a href="#index-' .. div.identifier
	    .. '">Invariant ' .. div.identifier:gsub('^I', '') ..
	    '</a></strong>'
	local first = div.content[1]
	if first and first.content then
		first.content:insert(1, pandoc.RawInline('html', head))
	end
	inv.blocks, inv.chapter = div.content, chapter
	inv.later = div.classes:includes('later')
	div.content = List(div.content) .. { pandoc.RawBlock('html',
	    '<p class="xref">' .. indexes.evidence(div.identifier, chunks.link)
	    .. '</p>') }
	return div
end

-- An invariant named in a sentence is a link to its statement.
local function link_invariants(blocks)
	local function leave(e) return e, false end
	return pandoc.Div(blocks):walk {
		traverse = 'topdown', Link = leave, Header = leave, Code = leave,
		Str = function(s)
			local html, n = c.escape(s.text):gsub('%f[%w]I%d+%f[%W]',
			    function(id)
				return indexes.invariants[id] and
				    '<a class="i" href="#' .. id .. '">' .. id ..
				    '</a>'
			    end)
			return n > 0 and pandoc.RawInline('html', html) or nil
		end,
	}.content
end

local note_count, note_room
local function sidenote(note)
	note_count = note_count + 1
	local id = 'note-' .. note_room .. '-' .. note_count
	local inlines = utils.blocks_to_inlines(note.content,
	    { pandoc.LineBreak() })
	return { pandoc.RawInline('html', '<label class="ref" for="' .. id ..
	    '"></label><input type="checkbox" class="ref" id="' .. id .. '">'),
	    pandoc.Span(inlines, { class = 'sidenote' }) }
end

local wanted = {}		-- links to check when all chapters are read

local function chapter_filter(chapter)
	local file = chapter.file
	local function complain(near)	-- about something near this text
		return function(message)
			fail(file, line_of(file, near), message)
		end
	end
	local function link(link)
		local id = link.target:match('^#(.*)')
		if id then table.insert(wanted, { id, complain(link.target) }) end
		local name = link.target:match('^chunk:(.*)')
		if not name then return nil end
		name = name:gsub('%%20', ' ')
		if not book.names[name] then
			complain('chunk:' .. name:sub(1, 12))('no chunk is named ⟨'
			    .. name .. '⟩')
		else
			link.target = '#' .. book.names[name][1].id
			link.classes = { 'tochunk' }
		end
		return link
	end
	local filter
	filter = {
		Code = function(e)
			if e.classes:includes('q') then
				return quoted_code(book.quotes[
				    tonumber(e.attributes.n)])
			end
		end,
		Para = function(p)
			local n = #p.content == 1 and utils.stringify(p)
			    :match('^CHUNK%-(%d+)%-HERE$')
			if n then
				return chunks.html(chapter.chunks[tonumber(n)])
			end
			local e = p.content[1]
			if #p.content == 1 and e.t == 'Image' and
			    e.classes:includes('dot') then
				return exhibits.diagram(e, work, book, chunks.link,
				    complain(e.src))
			end
		end,
		CodeBlock = function(b)
			if b.classes:includes('layout') then
				return layout.draw(b, structs, function(text)
					return pandoc.Plain(read_inlines(text))
					    :walk(filter)
				end, complain('struct=' .. b.attributes.struct))
			elseif b.classes:includes('coverage') then
				return exhibits.coverage(rows 'coverage.tsv', book)
			elseif b.classes:includes('quote') then
				return exhibits.quotation(b, chunks.fresh,
				    complain('file=' .. (b.attributes.file or '')))
			end
			b.text = unquote(b.text)
			b.identifier = chunks.fresh(chapter.room .. '--code')
			return b
		end,
		Table = function(t)
			return pandoc.Div({ t }, { class = 'wide' })
		end,
		Link = link,
		Note = sidenote,
		Header = function(h)
			if h.identifier == '' then
				h.identifier = chunks.fresh(chapter.room .. '--' ..
				    chunks.slug(utils.stringify(h)))
			end
			return h
		end,
		Div = function(d)
			if d.classes:includes('inv') then
				return invariant(d, chapter)
			end
		end,
	}
	return filter
end

-- ---- Chapters and pages ------------------------------------------------

local function page(id, title, number, part, blocks)
	return pandoc.Div(blocks, pandoc.Attr('page-' .. id, { 'page' },
	    { { 'page', id }, { 'title', title }, { 'number', number or '' },
	    { 'part', part or '' } }))
end

local function opener(id, kicker, title)
	return pandoc.RawBlock('html', '<header class="opener" id="' .. id ..
	    '"><p class="kicker">' .. kicker .. '</p><h1>' .. title ..
	    '</h1></header>')
end

local function read_chapter(chapter)
	local text = table.concat(chapter.prose)
	text = text:gsub('%]%((chunk:[^)]*)%)', function(target)
		return '](' .. target:gsub('%s+', '%%20') .. ')' end)
	local doc = pandoc.read(text, 'markdown-auto_identifiers' ..
	    '-implicit_figures-latex_macros')
	local head = doc.blocks[1]
	if not head or head.t ~= 'Header' or head.level ~= 1 then
		fail(chapter.file, 1, 'a chapter begins with "# Title {#room}"')
		return page(chapter.room, chapter.room, '', '', {})
	end
	note_count, note_room = 0, chapter.room
	chapter.title = utils.stringify(head)
	chapter.id = head.identifier
	doc.blocks:remove(1)
	local blocks = pandoc.Div(link_invariants(doc.blocks))
	    :walk(chapter_filter(chapter)).content
	local kicker = chapter.number and 'Chapter ' .. chapter.number or ''
	if chapter.part.title ~= '' then
		kicker = '<span>' .. chapter.part.title .. '</span>' .. kicker
	end
	local title = pandoc.write(pandoc.Pandoc { pandoc.Plain(head.content) },
	    'html')
	blocks:insert(1, opener(chapter.id, kicker, title))
	return page(chapter.id, chapter.title, chapter.number and
	    tostring(chapter.number), chapter.part.title, blocks)
end

-- book/parts says at which file number each part of the book begins; a part
-- without a title (front and back matter) does not number its chapters.
local function number_chapters()
	local parts = {}
	for l in io.lines(here .. 'parts') do
		local from, title = l:match('^(%d+)%s*(.*)')
		if from then
			table.insert(parts, { from = tonumber(from), title = title })
		end
	end
	local n = 0
	for _, chapter in ipairs(book.chapters) do
		local at = tonumber(chapter.file:match('(%d+)_[^/]*$')) or 0
		for _, part in ipairs(parts) do
			if at >= part.from then chapter.part = part end
		end
		if chapter.part.title ~= '' then
			n = n + 1
			chapter.number = n
		else
			chapter.letter = chapter.room:sub(1, 1):upper()
		end
	end
end

local function load_tables()
	for _, r in ipairs(rows 'facts.tsv') do
		if r[1] == 'value' then values[r[2]] = r[3] end
		if r[1] == 'struct' then
			structs[r[2]] = { size = tonumber(r[3]), fields = {} }
		elseif r[1] == 'field' then
			table.insert(structs[r[2]].fields, { name = r[3],
			    type = r[4], offset = tonumber(r[5]),
			    size = tonumber(r[6]) })
		end
	end
	for _, r in ipairs(rows 'tags.tsv') do
		if r[4]:match('%*$') then
			chunks.keep_private(r[3], r[1])
		end
	end
end

-- deadlinks would find them too, but in the pages, not in lit/.
local function check_links(blocks)
	local there = {}
	local function note(e) there[e.identifier] = true end
	pandoc.Div(blocks):walk { Header = note, Div = note, Span = note,
	    CodeBlock = note, RawBlock = function(e)
		for id in e.text:gmatch(' id="([^"]*)"') do
			there[id] = true
		end
	    end }
	for _, w in ipairs(wanted) do
		if not there[w[1]] then w[2]('no place is named #' .. w[1]) end
	end
end

function Reader(input)
	book = stream.parse(tostring(input))
	load_tables()
	number_chapters()
	chunks.number(book)
	indexes.collect(book, rows 'proves.tsv')
	local blocks = List {}
	for _, chapter in ipairs(book.chapters) do
		blocks:insert(read_chapter(chapter))
	end
	blocks:extend(indexes.pages(book, page, opener, chunks))
	check_links(blocks)
	if #errors > 0 then
		io.stderr:write(table.concat(errors, '\n'), '\n')
		if os.getenv 'DRAFT' == '' then os.exit(1) end
	end
	return pandoc.Pandoc(blocks, { title = 'Rfmalloc' })
end
