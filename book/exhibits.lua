-- What a chapter shows besides prose and chunks: diagrams that dot drew, and
-- quotations from ordinary files.

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

return M
