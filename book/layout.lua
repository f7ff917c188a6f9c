-- Draws a struct byte by byte: eight bytes to a row, one box per field, then
-- a list of the fields. Offsets and sizes come from the compiler.

local M = {}
local WIDTH = 8

local function holes_filled(struct)
	local all, at = {}, 0
	for _, f in ipairs(struct.fields) do
		if f.offset > at then
			table.insert(all, { name = 'padding', hole = true,
			    offset = at, size = f.offset - at })
		end
		table.insert(all, f)
		at = f.offset + f.size
	end
	if struct.size > at then
		table.insert(all, { name = 'padding', hole = true,
		    offset = at, size = struct.size - at })
	end
	return all
end

-- Cuts each field where a row ends; of a field that fills more than three
-- whole rows only the first and the last are drawn, the rest is said.
local function pieces(fields)
	local rows = {}
	local function put(offset, piece)
		local at = offset - offset % WIDTH
		if not rows[#rows] or rows[#rows].at ~= at then
			table.insert(rows, { at = at })
		end
		table.insert(rows[#rows], piece)
	end
	for k, f in ipairs(fields) do
		local at, stop, first = f.offset, f.offset + f.size, true
		while at < stop do
			local last = math.min(stop, at - at % WIDTH + WIDTH)
			local left = stop - last
			put(at, { field = f, k = k, size = last - at,
			    label = first, more = left > 0 })
			at, first = last, false
			if left > 3 * WIDTH then
				local skip = left - left % WIDTH - WIDTH
				if left % WIDTH == 0 then skip = left - WIDTH end
				table.insert(rows, { at = at, skip = skip })
				at = at + skip
			end
		end
	end
	return rows
end

local function cell(p)
	local class = p.field.hole and 'hole' or 'f' .. p.k % 2
	return ('<td colspan="%d" class="%s%s%s"%s>%s</td>'):format(p.size,
	    class, p.label and '' or ' from', p.more and ' on' or '',
	    ' title="' .. p.field.name .. '"',
	    p.label and '<span>' .. p.field.name .. '</span>' or '')
end

local function picture(name, struct, fields)
	local html = { '<figure class="layout"><figcaption><code>struct ',
	    name, '</code> <span>', struct.size,
	    ' bytes</span></figcaption><table class="bytes"><tr><th></th>' }
	for i = 0, WIDTH - 1 do
		table.insert(html, '<th>' .. i .. '</th>')
	end
	table.insert(html, '</tr>')
	for _, row in ipairs(pieces(fields)) do
		table.insert(html, '<tr><th>' .. row.at .. '</th>')
		if row.skip then
			table.insert(html, '<td colspan="8" class="skip">⋮ ' ..
			    row.skip .. ' bytes</td>')
		end
		for _, p in ipairs(row) do table.insert(html, cell(p)) end
		table.insert(html, '</tr>')
	end
	table.insert(html, '</table>')
	return table.concat(html)
end

-- One line of the body is one note: "field: what it is for"; a line that
-- begins with a space goes on with the note before it.
local function notes_of(text)
	local notes, name = {}, nil
	for l in (text .. '\n'):gmatch('(.-)\n') do
		local field, note = l:match('^([%a_][%w_]*):%s*(.*)')
		if field then
			name, notes[field] = field, note
		elseif name and l:match('%S') then
			notes[name] = notes[name] .. ' ' .. l:gsub('^%s+', '')
		end
	end
	return notes
end

function M.draw(block, structs, markdown, complain)
	local name = block.attributes.struct
	local struct = structs[name]
	if not struct or #struct.fields == 0 then
		complain('struct ' .. tostring(name) .. ' has no fields')
		return nil
	end
	local notes = notes_of(block.text)
	if next(notes) == nil then
		return pandoc.RawBlock('html', picture(name, struct,
		    holes_filled(struct)) .. '</figure>')
	end
	local out = { pandoc.RawBlock('html', picture(name, struct,
	    holes_filled(struct)) .. '<table class="fields"><thead><tr>' ..
	    '<th>at</th><th>bytes</th><th>field</th><th></th></tr></thead>') }
	for _, f in ipairs(struct.fields) do
		table.insert(out, pandoc.RawBlock('html',
		    ('<tr><td>%d</td><td>%d</td><td><code>%s</code><br>' ..
		    '<small>%s</small></td><td>'):format(f.offset, f.size,
		    f.name, f.type)))
		if notes[f.name] then
			table.insert(out, markdown(notes[f.name]))
			notes[f.name] = nil
		end
		table.insert(out, pandoc.RawBlock('html', '</td></tr>'))
	end
	for field in pairs(notes) do
		complain('struct ' .. name .. ' has no field ' .. field)
	end
	table.insert(out, pandoc.RawBlock('html', '</table></figure>'))
	return out
end

return M
