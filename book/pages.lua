-- pandoc writer: the book as one document in, its HTML pages out. Writes
-- $OUT/<page>.html, index.html, search-data.js and, for the PDF, print.html
-- (all pages in one); what it returns to pandoc is the list of pages.
-- Every link in the document is "#id"; here it becomes "page.html#id".

local here = PANDOC_SCRIPT_FILE:gsub('[^/]*$', '')
local out = os.getenv('OUT')

local function read(name)
	local f = assert(io.open(here .. name))
	return f:read('a'), f:close()
end

local function write(name, text)
	local f = assert(io.open(out .. '/' .. name, 'w'))
	f:write(text)
	f:close()
end

local function fill(template, values)
	return (template:gsub('%$(%w+)%$', function(k) return values[k] end))
end

local function plain(html)
	return (html:gsub('<[^>]*>', ''):gsub('%s+', ' '):gsub('&lt;', '<')
	    :gsub('&gt;', '>'):gsub('&quot;', '"'):gsub('&amp;', '&'))
end

local function render(div)
	local a = div.attributes
	local p = { id = a.page, title = a.title, number = a.number,
	    part = a.part, sections = {}, ids = {} }
	p.html = pandoc.write(pandoc.Pandoc(div.content), 'html5',
	    pandoc.WriterOptions { wrap_text = 'none' })
	for id in p.html:gmatch(' id="([^"]*)"') do table.insert(p.ids, id) end
	for id, title in p.html:gmatch('<h2 id="([^"]*)"[^>]*>(.-)</h2>') do
		table.insert(p.sections, { id = id, title = plain(title) })
	end
	return p
end

-- ---- Contents ----------------------------------------------------------

local function chapter_item(p, sections)
	local html = '<li><a href="#' .. p.anchor .. '"><span class="no">' ..
	    p.number .. '</span> ' .. p.title .. '</a>'
	if sections and #p.sections > 0 then
		local list = {}
		for _, s in ipairs(p.sections) do
			table.insert(list, '<a href="#' .. s.id .. '">' ..
			    s.title .. '</a>')
		end
		html = html .. '<p>' .. table.concat(list, '&nbsp;· ') .. '</p>'
	end
	return html .. '</li>'
end

-- with(p) says whether the sections of a page are listed too.
local function contents(pages, with)
	local html, part, open = {}, nil, false
	for _, p in ipairs(pages) do
		if p.part ~= part then
			if open then table.insert(html, '</ol>') end
			if p.part ~= '' then
				table.insert(html, '<h2>' .. p.part .. '</h2>')
			end
			table.insert(html, '<ol>')
			part, open = p.part, true
		end
		table.insert(html, chapter_item(p, with(p)))
	end
	table.insert(html, '</ol>')
	return table.concat(html, '\n')
end

-- ---- Search ------------------------------------------------------------

local function json(s)
	return '"' .. s:gsub('[\\"]', '\\%0'):gsub('%c', ' ') .. '"'
end

local function search_data(pages)
	local list = {}
	local function add(kind, title, page, id, text)
		table.insert(list, '[' .. json(kind) .. ',' .. json(title) ..
		    ',' .. json(page.id .. '.html#' .. id) .. ',' ..
		    json(page.title) .. ',' .. json(text or '') .. ']')
	end
	for _, p in ipairs(pages) do
		local prose = p.html:gsub('<pre.-</pre>', ' ')
		    :gsub('<figure class="chunk.-</figure>', ' ')
		if p.part ~= 'Indexes' then
			prose = '<h1 id="' .. p.anchor .. '">' .. p.title ..
			    '</h1>' .. prose:gsub('<header.-</header>', '')
			for id, title, text in (prose:gsub('<h[123]', '\1%0')
			    .. '\1'):gmatch('<h[123] id="([^"]*)"[^>]*>(.-)'
			    .. '</h[123]>([^\1]*)') do
				add('section', plain(title), p, id, plain(text))
			end
			for id, text in p.html:gmatch(
			    '<div id="(I%d+)" class="inv[^>]*>(.-)</p>') do
				add('invariant', id, p, id, plain(text))
			end
			for id, name in p.html:gmatch('<figure class="chunk" ' ..
			    'id="([^"]*)">.-<span class="name">(.-)</span>') do
				if not id:match('%-%d+$') or
				    not name:match('<a') then
					add('chunk', plain(name), p, id)
				end
			end
		end
		for name, id in p.html:gmatch('<p id="id%-([^"]*)">.-<b><a ' ..
		    'href="#([^"]*)"') do
			table.insert(list, '["name",' .. json(name) .. ',"#' ..
			    id .. '","",""]')
		end
	end
	return 'var BOOK = [\n' .. table.concat(list, ',\n') .. '\n];\n'
end

-- ---- The pages -----------------------------------------------------------

function Writer(doc)
	local pages, home, errors = {}, {}, {}
	for _, div in ipairs(doc.blocks) do
		local p = render(div)
		p.anchor = p.ids[1]
		for _, id in ipairs(p.ids) do
			if home[id] then
				table.insert(errors, p.id .. '.html: #' .. id ..
				    ' is also in ' .. home[id] .. '.html')
			end
			home[id] = p.id
		end
		table.insert(pages, p)
	end
	local function located(html, page)
		return (html:gsub('href="#([^"]*)"', function(id)
			if home[id] and home[id] ~= page then
				return 'href="' .. home[id] .. '.html#' .. id .. '"'
			end
		end))
	end
	local template, everything = read 'page.html', {}
	for i, p in ipairs(pages) do
		local before, after = pages[i - 1], pages[i + 1]
		local function step(q, rel, text)
			return '<a rel="' .. rel .. '" href="' .. (q and q.id or
			    'index') .. '.html">' .. text .. '</a>'
		end
		local where = (p.number ~= '' and p.number .. ' · ' or '') ..
		    p.title
		write(p.id .. '.html', located(fill(template, {
		    title = p.title, where = where, body = p.html,
		    class = p.part == 'Indexes' and 'indexes' or 'chapter',
		    toc = contents(pages, function(q) return q == p end),
		    prev = before and step(before, 'prev', before.title) or
			step(nil, 'prev', 'Contents'),
		    next = after and step(after, 'next', after.title) or
			step(nil, 'next', 'Contents') }), p.id))
		table.insert(everything, '<section class="page" data-title="' ..
		    where .. '">' .. p.html .. '</section>')
	end
	local front = read 'front.html'
	local toc = contents(pages, function(p) return p.part ~= 'Indexes' end)
	write('index.html', located(fill(read 'cover.html', {
	    front = fill(front, { contents = toc }) }), 'index'))
	write('print.html', fill(read 'print.html', {
	    front = fill(front, { contents = toc }),
	    body = table.concat(everything, '\n') }))
	write('search-data.js', located(search_data(pages):gsub(
	    '"#([^"]*)"', function(id)
		return home[id] and '"' .. home[id] .. '.html#' .. id .. '"'
	end), ''))
	if #errors > 0 then
		io.stderr:write(table.concat(errors, '\n'), '\n')
		if os.getenv 'DRAFT' == '' then os.exit(1) end
	end
	local names = {}
	for _, p in ipairs(pages) do table.insert(names, p.id .. '.html') end
	return table.concat(names, '\n') .. '\n'
end
