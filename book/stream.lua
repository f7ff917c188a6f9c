-- Reads noweb's pipeline (markup | defs.awk | finduses | noidx) into tables.
-- The pipeline is one keyword per line; this is the only file that knows it.
--
-- A book is   { chapters, labels, names, idents }:
--   chapters  in order, each { file, room, markdown, chunks }
--   labels    noweb label -> chunk
--   names     chunk name -> list of chunks (its parts, in order)
--   idents    identifier -> { defs = {chunk…}, uses = {chunk…} }
-- A chunk is  { name, label, file, line, room, part, body, users, defines }
-- where body is the text with "\1name\2" for the use of another chunk.

local M = {}

local function new_chapter(file)
	local room = file:gsub('^.*/', ''):gsub('%.nw$', ''):gsub('^%d+_', '')
	return { file = file, room = room, prose = {}, chunks = {} }
end

-- An odd number of backticks before [[ on its line means that the author is
-- inside `inline code`, where the brackets are to be left alone.
local function inside_code(line)
	return select(2, line:gsub('`', '')) % 2 == 1
end

function M.parse(input)
	local book = { chapters = {}, labels = {}, names = {}, idents = {},
	    quotes = {} }
	local chapter, chunk, label, line, prose, quote, entry
	local on = {}

	local function say(s) table.insert(chapter.prose, s) end

	function on.file(arg)
		chapter = new_chapter(arg)
		line = 1
		table.insert(book.chapters, chapter)
	end
	function on.begin(arg)
		prose = arg:match('^docs') and '' or nil
		chunk = not prose and { body = {}, users = {}, defines = {},
		    file = chapter.file, line = line, room = chapter.room } or nil
	end
	on['end'] = function()
		if chunk then
			chunk.body = table.concat(chunk.body):gsub('^\n', '')
			table.insert(chapter.chunks, chunk)
			say('\n\nCHUNK-' .. #chapter.chunks .. '-HERE\n\n')
		end
		prose, chunk = nil, nil
	end
	function on.text(arg)
		if quote then
			quote = quote .. arg
		elseif prose then
			prose = prose .. arg
			say(arg)
		elseif chunk then
			table.insert(chunk.body, arg)
		end
	end
	function on.nl()
		if prose then
			prose = ''
			say('\n')
		elseif chunk then
			table.insert(chunk.body, '\n')
		end
		line = line and line + 1
	end
	function on.quote() quote = '' end
	function on.endquote()
		if inside_code(prose) then
			say('[[' .. quote .. ']]')
		else
			table.insert(book.quotes, { text = quote,
			    file = chapter.file, line = line })
			say('`' .. quote .. '`{.q n=' .. #book.quotes .. '}')
		end
		quote = nil
	end
	function on.defn(arg)
		local parts = book.names[arg] or {}
		book.names[arg] = parts
		table.insert(parts, chunk)
		chunk.name, chunk.part, chunk.label = arg, #parts, label
		book.labels[label] = chunk
	end
	function on.use(arg)
		table.insert(chunk.body, '\1' .. arg .. '\2')
	end
	function on.xref(arg)
		local key, value = arg:match('^(%S+) ?(.*)')
		if key == 'label' then
			label = value
		elseif key == 'useitem' and chunk then
			table.insert(chunk.users, value)
		end
	end
	function on.index(arg)
		local key, value = arg:match('^(%S+) ?(.*)')
		if key == 'nl' then
			on.nl()
		elseif key == 'localdefn' or key == 'defn' then
			if chunk then table.insert(chunk.defines, value) end
		elseif key == 'entrybegin' then
			entry = { defs = {}, uses = {} }
			book.idents[value:match('^%S+ (.*)')] = entry
		elseif key == 'entrydefn' then
			table.insert(entry.defs, book.labels[value])
		elseif key == 'entryuse' then
			table.insert(entry.uses, book.labels[value])
		end
	end
	function on.fatal(arg)
		error('noweb: ' .. arg)
	end

	for l in (input .. '\n'):gmatch('(.-)\n') do
		local key, arg = l:match('^@(%S+) ?(.*)$')
		if key and on[key] then on[key](arg) end
	end
	return book
end

return M
