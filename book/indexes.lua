-- The three indexes of the book: chunks, identifiers, invariants; and what
-- is known of each invariant: where it is stated, kept and proved.

local c = require 'c'
local M = { invariants = {} }

-- In code "keeps I3" or "keeps I3, I5"; calls found(id) for each.
local function each_claim(verb, body, found)
	for list in body:gmatch(verb .. ' (I%d[%dI, and]*)') do
		for id in list:gmatch('I%d+') do found(id) end
	end
end

local function invariant(id)
	M.invariants[id] = M.invariants[id] or { kept = {}, proved = {} }
	return M.invariants[id]
end

function M.collect(book, proves)
	for _, chapter in ipairs(book.chapters) do
		local prose = table.concat(chapter.prose)
		for id in prose:gmatch(':::+ *{%.inv #(I%d+)[^}]*}') do
			invariant(id).stated = true
		end
		for _, chunk in ipairs(chapter.chunks) do
			each_claim('keeps', chunk.body, function(id)
				table.insert(invariant(id).kept, chunk) end)
			each_claim('proves', chunk.body, function(id)
				table.insert(invariant(id).proved,
				    { chunk = chunk }) end)
		end
	end
	for _, r in ipairs(proves) do
		table.insert(invariant(r[1]).proved, { file = r[2], test = r[3] })
	end
end

-- The tests of one file: its name and theirs, which are sentences.
local function by_file(proved)
	local list, seen = {}, {}
	for _, p in ipairs(proved) do
		local group = p.file and seen[p.file]
		if p.file and not group then
			group = { file = p.file, tests = {} }
			seen[p.file] = group
			table.insert(list, group)
		end
		if group and p.test ~= p.file then
			local name = p.test:gsub('^test_', ''):gsub('_', ' ')
			table.insert(group.tests, c.escape(name))
		end
	end
	return list
end

local function proofs(inv, chunk_link, in_full)
	local list, count = {}, 0
	for _, p in ipairs(inv.proved) do
		if p.chunk then
			table.insert(list, p.chunk.number .. ' ⟨' ..
			    chunk_link(p.chunk, c.escape(p.chunk.name)) .. '⟩')
		end
	end
	for _, group in ipairs(by_file(inv.proved)) do
		local link = '<a class="file" href="../../' .. group.file ..
		    '">' .. group.file:gsub('^.*/', '') .. '</a>'
		count = count + math.max(#group.tests, 1)
		if in_full and #group.tests > 0 then
			link = link .. ' <i>' .. table.concat(group.tests, '; ')
			    .. '</i>'
		end
		table.insert(list, link)
	end
	return list, count
end

-- Below the statement the tests are counted, in the index they are listed.
function M.evidence(id, chunk_link, in_full)
	local inv, kept = M.invariants[id], {}
	for _, chunk in ipairs(inv.kept) do
		table.insert(kept, chunk.number .. ' ⟨' ..
		    chunk_link(chunk, c.escape(chunk.name)) .. '⟩')
	end
	if #kept == 0 and inv.later then
		return 'Not kept yet: a promise of a later version.'
	end
	local proved, count = proofs(inv, chunk_link, in_full)
	local said = (#kept > 0 and 'Kept in ' .. table.concat(kept, ', ') or
	    'Kept nowhere') .. '. '
	if #proved == 0 then return said .. 'Proved by no test.' end
	if in_full then
		return said .. 'Proved by</p><ul class="tests"><li>' ..
		    table.concat(proved, '</li><li>') .. '</li></ul><p>'
	end
	return said .. 'Proved by ' .. (count > 0 and '<a href="#index-' .. id ..
	    '">' .. count .. (count == 1 and ' test' or ' tests') .. '</a> in '
	    or '') .. table.concat(proved, ', ') .. '.'
end

local function sorted(t, key)
	local list = {}
	for k in pairs(t) do table.insert(list, k) end
	table.sort(list, function(a, b)
		local x, y = key(a), key(b)
		if x ~= y then return x < y end
		return a < b
	end)
	return list
end

-- One paragraph per entry, under the letters they begin with.
local function dictionary(names, letter_of, entry)
	local html, letter = {}, nil
	for _, name in ipairs(names) do
		local l = letter_of(name)
		if l ~= letter then
			if letter then table.insert(html, '</div>') end
			table.insert(html, '<div class="letter"><h2>' .. l ..
			    '</h2>')
			letter = l
		end
		table.insert(html, entry(name))
	end
	table.insert(html, letter and '</div>' or '')
	return '<div class="index">' .. table.concat(html, '\n') .. '</div>'
end

local function chunk_index(book, chunk_link)
	local names = sorted(book.names, string.lower)
	local count = 0
	local html = dictionary(names, function(n) return n:sub(1, 1):upper() end,
	    function(name)
		count = count + 1
		local parts, users = {}, {}
		for _, p in ipairs(book.names[name]) do
			table.insert(parts, chunk_link(p, p.number))
		end
		for _, label in ipairs(book.names[name][1].users) do
			local u = book.labels[label]
			table.insert(users, chunk_link(u, u.number))
		end
		return '<p>⟨' .. c.escape(name) .. '⟩ <b>' ..
		    table.concat(parts, ', ') .. '</b>' .. (#users > 0 and
		    ' <i>in ' .. table.concat(users, ', ') .. '</i>' or '')
		    .. '</p>'
	end)
	return html, count
end

-- One entry for each definition: two rooms may have a static function of the
-- same name. finduses sees names in comments too; chunk.words does not.
local function definitions_of(name, entry, chunks)
	local list, by_file = {}, {}
	for _, d in ipairs(entry.defs) do
		local e = by_file[d.file]
		if not e then
			e = { name = name, defs = {}, uses = {}, at = d }
			by_file[d.file] = e
			table.insert(list, e)
		end
		table.insert(e.defs, chunks.link(d, d.number))
	end
	for _, u in ipairs(entry.uses) do
		local d = u.words[name] and chunks.definition(name, u.file)
		local e = d and by_file[d.file]
		if e then table.insert(e.uses, chunks.link(u, u.number)) end
	end
	return list
end

local function identifier_index(book, chunks)
	local function bare(n) return n:gsub('^[rR][fF][mM]_', '') end
	local names = sorted(book.idents, function(n) return bare(n):lower() end)
	local count = 0
	return dictionary(names, function(n) return bare(n):sub(1, 1):upper() end,
	    function(name)
		local html = {}
		local list = definitions_of(name, book.idents[name], chunks)
		for _, e in ipairs(list) do
			count = count + 1
			table.insert(html, '<p id="' .. chunks.fresh('id-' ..
			    name) .. '"><code>' .. name .. '</code> <b>' ..
			    table.concat(e.defs, ', ') .. '</b> ' ..
			    table.concat(e.uses, ', ') .. '</p>')
		end
		return table.concat(html, '\n')
	end), count
end

local function invariant_index(chunk_link)
	local blocks = pandoc.List {}
	local ids = sorted(M.invariants, function(id)
		return tonumber(id:sub(2)) end)
	for _, id in ipairs(ids) do
		local inv = M.invariants[id]
		if inv.blocks then
			local stated = '<a href="#' .. id .. '">' ..
			    c.escape(inv.chapter.title) .. '</a>'
			blocks:insert(pandoc.RawBlock('html',
			    '<section class="entry" id="index-' .. id ..
			    '"><h2>' .. id .. '</h2><div class="said">'))
			blocks:extend(inv.blocks)
			blocks:insert(pandoc.RawBlock('html',
			    '<p class="xref">Stated in ' .. stated .. '. ' ..
			    M.evidence(id, chunk_link, true) ..
			    '</p></div></section>'))
		end
	end
	return blocks
end

local function intro(text)
	return pandoc.RawBlock('html', '<p class="intro">' .. text .. '</p>')
end

function M.pages(book, page, opener, chunks)
	local names, n = chunk_index(book, chunks.link)
	local idents, m = identifier_index(book, chunks)
	local invariants = invariant_index(chunks.link)
	invariants:insert(1, opener('invariant-index', 'Index', 'Invariants'))
	invariants:insert(2, intro('What always holds. Each sentence is ' ..
	    'stated once; the code that keeps it and the tests that try to ' ..
	    'break it say so by its number.'))
	return {
		page('invariants', 'Invariants', nil, 'Indexes', invariants),
		page('chunks', 'Chunks', nil, 'Indexes', {
		    opener('chunk-index', 'Index', 'Chunks'),
		    intro(n .. ' names. A number in bold is where the chunk ' ..
		    'stands, one in italics where it is used.'),
		    pandoc.RawBlock('html', names) }),
		page('identifiers', 'Identifiers', nil, 'Indexes', {
		    opener('identifier-index', 'Index', 'Identifiers'),
		    intro(m .. ' names, sorted without the prefix ' ..
		    '<code>rfm_</code>. A number in bold is the chunk that ' ..
		    'defines the name, the others are those that use it.'),
		    pandoc.RawBlock('html', idents) }),
	}
end

return M
