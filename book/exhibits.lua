-- What a chapter shows besides prose and chunks: diagrams that dot drew, quotations
-- from ordinary files, and the table of what the tests reach.

local M = {}

-- A plain subset of regular expressions: ( ) | and - stand for themselves.
local function pattern(regex)
	return (regex:gsub('[%%%-()]', '%%%0'):gsub('\\%%?(.)', '%%%1'))
end

function M.quotation(block, fresh, complain)
	local a = block.attributes
	local f = io.open(a.file or '')
	local name = a.file or 'no file'
	if not f then
		complain('cannot quote ' .. name .. ': not there')
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
		complain('cannot quote ' .. name .. ': no line matches ' ..
		    (#lines == 0 and a.from or a.to))
	end
	local language = name:match('%.(%a+)$') or 'sh'
	return pandoc.Div({ pandoc.Para { pandoc.Str(name .. ':' .. first) },
	    pandoc.CodeBlock(table.concat(lines, '\n'),
	    { id = fresh('quoted'), class = language:lower() }) },
	    { class = 'quoted' })
end

function M.diagram(image, work, book, chunk_link, complain)
	local dot = image.src:gsub('%.dot$', '')
	local f = io.open(work .. '/' .. dot .. '.svg')
	if not f then
		complain('no chunk draws ' .. image.src)
		return nil
	end
	local svg = f:read('a')
	f:close()
	svg = svg:gsub('^.-<svg', '<svg', 1):gsub('<!%-%-.-%-%->', '')
	    :gsub('<title>.-</title>', ''):gsub(' id="[^"]*"', '')
	    :gsub('="black"', '="currentColor"')
	    :gsub('<polygon fill="white"[^>]*/>', '', 1)
	local width = tonumber(svg:match('width="(%d+)pt"')) * 1.25
	svg = svg:gsub('width="%d+pt" height="%d+pt"',
	    'role="img" style="width:' .. width .. 'px"', 1)
	local arcs = {}
	for _, chunk in ipairs(book.names[image.src] or {}) do
		for use in chunk.body:gmatch('\1(.-)\2') do
			for _, part in ipairs(book.names[use] or {}) do
				table.insert(arcs, chunk_link(part, part.number))
			end
		end
	end
	return pandoc.List { pandoc.RawBlock('html', '<figure class="diagram' ..
	    (width > 740 and ' broad' or '') .. '">' .. svg .. '<figcaption>'),
	    pandoc.Plain(image.caption), pandoc.RawBlock('html', (#arcs > 0 and
	    '<span class="from">Drawn from ' .. table.concat(arcs, ', ')
	    .. '.</span>' or '') .. '</figcaption></figure>') }
end

-- Rows: source, kind, lines, reached, state. Test rooms stand below the sum.
function M.coverage(rows, book)
	local chapters, html, tail = {}, {}, {}
	for _, chapter in ipairs(book.chapters) do
		chapters[chapter.file:match('[^/]*$')] = chapter
	end
	local function row(name, lines, reached, note)
		local share = lines and lines > 0 and 100 * reached / lines
		return '<tr><td>' .. name .. '</td><td class="n">' ..
		    (lines and ('%d'):format(lines) or '') ..
		    '</td><td class="n">' .. (lines and
		    ('%d'):format(lines - reached) or '') ..
		    '</td><td class="n">' .. (share and
		    ('%.1f %%'):format(share) or '') .. '</td><td>' ..
		    (share and '<span class="reached"><span style="width:' ..
		    ('%.1f'):format(share) .. '%"></span></span>' or '') ..
		    note .. '</td></tr>'
	end
	local all, reached, note = 0, 0, ''
	for _, r in ipairs(rows) do
		local chapter = chapters[r[1]]
		local name = r[1] == 'R' and
		    '<a href="#prompt">The R functions</a>' or chapter and
		    '<a href="#' .. chapter.id .. '">' .. chapter.title .. '</a>'
		    or r[1]
		local ours = r[2] ~= 'test' and r[2] ~= 'crash'
		local lines, hit = tonumber(r[3]), tonumber(r[4])
		table.insert(ours and html or tail, row(name, lines, hit,
		    r[5] == 'changed' and ' code changed since' or
		    r[5] == 'not yet' and ' not counted yet' or ''))
		if ours and lines then
			all, reached = all + lines, reached + hit
		end
		if ours and r[5] ~= 'still' then
			note = ' of the code that was counted'
		end
	end
	if all > 0 then
		table.insert(html, row('<strong>All that is shipped</strong>',
		    all, reached, note))
	end
	return pandoc.RawBlock('html', '<div class="wide"><table class="coverage">' ..
	    '<thead><tr><th>Chapter</th><th class="n">Lines of code</th>' ..
	    '<th class="n">Not reached</th><th class="n">Reached</th><th></th></tr></thead><tbody>'
	    .. table.concat(html) .. table.concat(tail) .. '</tbody></table></div>')
end

return M
