-- pandoc reader: noweb's pipeline in, the whole book as one document out.
-- Each page is a Div of class "page"; links are "#id" throughout, so the same
-- document serves the HTML pages (pages.lua splits it) and the PDF.
-- What is wrong with the prose is collected and printed as file:line.

local here = PANDOC_SCRIPT_FILE:gsub('[^/]*$', '')
package.path = here .. '?.lua;' .. package.path
local stream, c, indexes = require 'stream', require 'c', require 'indexes'
local layout = require 'layout'
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

local function slug(s)
	return (s:lower():gsub('[^%w]+', '-'):gsub('^%-', ''):gsub('%-$', ''))
end

-- ---- Chunks and the links in them ------------------------------------

local private = {}		-- private[name][file]: static in that file
local known = {}		-- every identifier that occurs in some chunk

local taken = {}
local function fresh(id)
	local n, free = 1, id
	while taken[free] do
		n = n + 1
		free = id .. '-x' .. n
	end
	taken[free] = true
	return free
end

local function number_chunks()
	for _, chapter in ipairs(book.chapters) do
		for i, chunk in ipairs(chapter.chunks) do
			local id = 'chunk-' .. slug(chunk.name)
			if chunk.part > 1 then id = id .. '-' .. chunk.part end
			chunk.id = fresh(id)
			chunk.number = (chapter.number or chapter.letter) ..
			    '.' .. i
			for _, name in ipairs(c.identifiers(chunk.body)) do
				known[name] = true
			end
		end
	end
end

-- The chunk that defines an identifier, as seen from a file: its own static
-- function first, nobody else's, then what is defined for all.
local function definition(name, file)
	local entry, other = book.idents[name], nil
	for _, chunk in ipairs(entry and entry.defs or {}) do
		if chunk.file == file then return chunk end
		if not (private[name] and private[name][chunk.file]) then
			other = other or chunk
		end
	end
	return other
end

local function linker(file, self)
	return function(kind, name)
		if kind == 'inv' then
			return indexes.invariants[name] and '#' .. name, 'i'
		elseif kind == 'chunk' then
			local parts = book.names[name]
			return parts and '#' .. parts[1].id
		end
		local chunk = definition(name, file)
		if chunk and chunk == self then return nil, 'd' end
		return chunk and '#' .. chunk.id
	end
end

local function chunk_link(chunk, text)
	return '<a href="#' .. chunk.id .. '">' .. text .. '</a>'
end

local function chunk_html(chunk)
	local parts = book.names[chunk.name]
	local before, after = parts[chunk.part - 1], parts[chunk.part + 1]
	local name = c.escape(chunk.name)
	local html = { '<figure class="chunk" id="', chunk.id, '"><figcaption>',
	    '<a class="no" href="#', chunk.id, '" title="', chunk.file, ':',
	    chunk.line, '">', chunk.number, '</a><span class="name">⟨',
	    before and chunk_link(parts[1], name) or name, '⟩</span>',
	    before and '<span class="op">+≡</span>' or
	    '<span class="op">≡</span>' }
	local function put(...)
		for _, s in ipairs { ... } do table.insert(html, s) end
	end
	if before or after then
		put('<span class="parts">',
		    before and chunk_link(before, '◂ ' .. before.number) or '',
		    after and chunk_link(after, after.number .. ' ▸') or '',
		    '</span>')
	end
	put('</figcaption><pre>', c.colour(chunk.body:gsub('\n$', ''),
	    linker(chunk.file, chunk)), '</pre>')
	local notes, users = {}, {}
	for _, label in ipairs(parts[1].users) do
		local user = book.labels[label]
		table.insert(users, user.number .. ' ⟨' ..
		    chunk_link(user, c.escape(user.name)) .. '⟩')
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
	for _, name in ipairs(c.identifiers(quote.text)) do
		if not known[name] then
			fail(quote.file, quote.line, '[[' .. quote.text ..
			    ']]: no chunk contains ' .. name)
		end
	end
	return pandoc.RawInline('html', '<code>' ..
	    c.colour(quote.text, linker(quote.file)) .. '</code>')
end

-- Inside a literal block noweb's quotes are the author's own brackets.
local function unquote(text)
	return (text:gsub('`([^`\n]*)`{%.q n=%d+}', '[[%1]]'))
end

-- A plain subset of regular expressions: ( ) | and - stand for themselves.
local function pattern(regex)
	return (regex:gsub('[%%%-()]', '%%%0'):gsub('\\%%?(.)', '%%%1'))
end

local function quoted_file(block, file)
	local a = block.attributes
	local f = io.open(a.file or '')
	local name = a.file or 'no file'
	local at = line_of(file, 'file=' .. name)
	if not f then
		fail(file, at, 'cannot quote ' .. name .. ': not there')
		return nil
	end
	local lines, on, first, n, done = {}, not a.from, 1, 0, false
	for l in f:lines() do
		n = n + 1
		if not on and not done and l:find(pattern(a.from)) then
			on, first = true, n
		end
		if on then
			table.insert(lines, l)
			if a.to and (n > first or not a.from) and
			    l:find(pattern(a.to)) then
				on, done = false, true
			end
		end
	end
	f:close()
	if #lines == 0 or (a.to and not done) then
		fail(file, at, 'cannot quote ' .. name .. ': no line matches '
		    .. (#lines == 0 and a.from or a.to))
	end
	local language = name:match('%.(%a+)$') or 'sh'
	return pandoc.Div({ pandoc.Para { pandoc.Str(name .. ':' .. first) },
	    pandoc.CodeBlock(table.concat(lines, '\n'),
	    { class = language:lower() }) }, { class = 'quoted' })
end

local function read_inlines(text)
	local doc = pandoc.read(text, 'markdown-auto_identifiers')
	return utils.blocks_to_inlines(doc.blocks)
end

local function figure(image, file)
	local dot = image.src:gsub('%.dot$', '')
	local f = io.open(work .. '/' .. dot .. '.svg')
	if not f then
		fail(file, line_of(file, image.src),
		    'no chunk draws ' .. image.src)
		return nil
	end
	local svg = f:read('a')
	f:close()
	svg = svg:gsub('^.-<svg', '<svg', 1):gsub('<!%-%-.-%-%->', '')
	    :gsub('<title>.-</title>', ''):gsub(' id="[^"]*"', '')
	    :gsub(' font%-family="[^"]*"', ''):gsub('="black"', '="currentColor"')
	    :gsub('<polygon fill="white"[^>]*/>', '', 1)
	    :gsub('width="(%d+)pt" height="%d+pt"', function(w)
		return 'role="img" style="width:' .. w * 1.25 .. 'px"' end, 1)
	local arcs = {}
	for _, chunk in ipairs(book.names[image.src] or {}) do
		for use in chunk.body:gmatch('\1(.-)\2') do
			for _, part in ipairs(book.names[use] or {}) do
				table.insert(arcs, chunk_link(part, part.number))
			end
		end
	end
	return List { pandoc.RawBlock('html', '<figure class="diagram">' .. svg
	    .. '<figcaption>'), pandoc.Plain(image.caption),
	    pandoc.RawBlock('html', (#arcs > 0 and
	    '<span class="from">Drawn from ' .. table.concat(arcs, ', ')
	    .. '.</span>' or '') .. '</figcaption></figure>') }
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
	    '<p class="xref">' .. indexes.evidence(div.identifier, chunk_link)
	    .. '</p>') }
	return div
end

local note_count, note_room
local function sidenote(note)
	note_count = note_count + 1
	local id = 'note-' .. note_room .. '-' .. note_count
	local inlines = utils.blocks_to_inlines(note.content)
	return { pandoc.RawInline('html', '<label class="ref" for="' .. id ..
	    '"></label><input type="checkbox" class="ref" id="' .. id .. '">'),
	    pandoc.Span(inlines, { class = 'sidenote' }) }
end

local function chapter_filter(chapter)
	local file = chapter.file
	local function link_to_chunk(link)
		local name = link.target:match('^chunk:(.*)')
		if not name then return nil end
		name = name:gsub('%%20', ' ')
		if not book.names[name] then
			fail(file, line_of(file, 'chunk:' .. name:sub(1, 12)),
			    'no chunk is named ⟨' .. name .. '⟩')
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
				return chunk_html(chapter.chunks[tonumber(n)])
			end
			local e = p.content[1]
			if #p.content == 1 and e.t == 'Image' and
			    e.classes:includes('dot') then
				return figure(e, file)
			end
		end,
		CodeBlock = function(b)
			if b.classes:includes('layout') then
				return layout.draw(b, structs, function(text)
					return pandoc.Plain(read_inlines(text))
					    :walk(filter)
				end, function(message)
					fail(file, line_of(file, 'struct=' ..
					    b.attributes.struct), message)
				end)
			elseif b.classes:includes('quote') then
				return quoted_file(b, file)
			end
			b.text = unquote(b.text)
			return b
		end,
		Link = link_to_chunk,
		Note = sidenote,
		Header = function(h)
			if h.identifier == '' then
				h.identifier = fresh(chapter.room .. '--' ..
				    slug(utils.stringify(h)))
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
	    '-implicit_figures-latex_macros-tex_math_dollars')
	local head = doc.blocks[1]
	if not head or head.t ~= 'Header' or head.level ~= 1 then
		fail(chapter.file, 1, 'a chapter begins with "# Title {#room}"')
		return page(chapter.room, chapter.room, '', '', {})
	end
	note_count, note_room = 0, chapter.room
	chapter.title = utils.stringify(head)
	chapter.id = head.identifier
	doc.blocks:remove(1)
	local blocks = pandoc.Div(doc.blocks):walk(chapter_filter(chapter)).content
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
			private[r[3]] = private[r[3]] or {}
			private[r[3]][r[1]] = true
		end
	end
end

function Reader(input)
	book = stream.parse(tostring(input))
	load_tables()
	number_chapters()
	number_chunks()
	indexes.collect(book, rows 'proves.tsv')
	local blocks = List {}
	for _, chapter in ipairs(book.chapters) do
		blocks:insert(read_chapter(chapter))
	end
	blocks:extend(indexes.pages(book, page, opener, chunk_link, private))
	if #errors > 0 then
		io.stderr:write(table.concat(errors, '\n'), '\n')
		os.exit(1)
	end
	return pandoc.Pandoc(blocks, { title = 'Rfmalloc' })
end
