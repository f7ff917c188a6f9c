// Search over headings, invariants, chunks, names and the text of sections.
// The data (search-data.js) is loaded when the box is first used, with a
// script element, so that it works from file:// as well.
'use strict';
(function () {
	const box = document.getElementById('search');
	const list = document.getElementById('found');
	if (!box) return;
	const inTitle = { section: 50, chunk: 45, name: 32, invariant: 35 };
	const inText = { section: 15, invariant: 35 };

	function load() {
		if (window.BOOK || document.getElementById('search-data')) return;
		const s = document.createElement('script');
		s.id = 'search-data';
		s.src = 'search-data.js';
		s.onload = show;
		document.head.append(s);
	}

	// How well an entry answers: every word must occur; a title that is
	// or begins with the query beats one that has it, which beats text.
	function score([kind, title, , , text], words, query) {
		const t = title.toLowerCase().replace(/^⟨|⟩$|^rfm_/g, '');
		const q = query.replace(/^rfm_/, '');
		if (t === q) return 100 + inTitle[kind];
		if (t.startsWith(q)) return 30 + inTitle[kind];
		if (words.every(w => t.includes(w))) return inTitle[kind];
		const all = t + ' ' + text.toLowerCase();
		return words.every(w => all.includes(w)) ? inText[kind] || 0 : 0;
	}

	function excerpt(text, words) {
		const at = text.toLowerCase().indexOf(words[0]);
		if (at < 0) return '';
		const from = at < 30 ? 0 : text.lastIndexOf(' ', at - 24) + 1;
		return (from ? '… ' : '') + text.slice(from, from + 110) + ' …';
	}

	function line(entry, words) {
		const [kind, title, url, where, text] = entry;
		const a = document.createElement('a');
		a.href = url;
		for (const [name, s] of [['kind', kind], ['title', title],
		    ['in', where === title ? '' : where],
		    ['text', kind === 'section' && !words.every(w =>
			title.toLowerCase().includes(w)) ?
			excerpt(text, words) :
			kind === 'invariant' ? text.replace(/^ *Invariant \d+ */,
			'') : '']]) {
			if (!s) continue;
			const span = document.createElement('span');
			span.className = name;
			span.textContent = s;
			a.append(span);
		}
		const li = document.createElement('li');
		li.append(a);
		return li;
	}

	function show() {
		const query = box.value.trim().toLowerCase();
		const words = query.split(/\s+/).filter(w => w);
		list.replaceChildren();
		list.hidden = !words.length || !window.BOOK;
		if (list.hidden) return;
		const hits = window.BOOK.map(e => [score(e, words, query), e])
		    .filter(h => h[0] > 0).sort((a, b) => b[0] - a[0]);
		for (const [, e] of hits.slice(0, 30)) list.append(line(e, words));
		if (!hits.length) {
			const li = document.createElement('li');
			li.textContent = 'Nothing found.';
			list.append(li);
		}
	}

	function step(by) {
		const links = [...list.querySelectorAll('a')];
		const i = links.indexOf(document.activeElement) + by;
		if (i < 0) box.focus();
		else if (links[i]) links[i].focus();
	}

	box.addEventListener('focus', load);
	box.addEventListener('input', show);
	document.addEventListener('keydown', function (e) {
		const here = list.contains(document.activeElement) ||
		    document.activeElement === box;
		if (e.key === '/' && !here) { box.focus(); e.preventDefault(); }
		if (!here) return;
		if (e.key === 'Escape') { box.value = ''; box.blur(); show(); }
		if (e.key === 'ArrowDown') { step(1); e.preventDefault(); }
		if (e.key === 'ArrowUp') { step(-1); e.preventDefault(); }
		if (e.key === 'Enter' && document.activeElement === box) {
			const first = list.querySelector('a');
			if (first) first.click();
		}
	});
	document.addEventListener('click', function (e) {
		if (e.target !== box && !list.contains(e.target) ||
		    e.target.closest('#found a')) list.hidden = true;
	});
})();
