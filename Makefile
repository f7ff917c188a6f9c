# What can be made here: `make help`. Everything that needs tools runs itself in
# the environment of tools/run, so a fresh clone needs nothing but make and sh.
# B=FOLDER builds elsewhere than in build/.
B = build
MAKEFLAGS += --no-builtin-rules
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

help:            ## this list
	@sed -n 's/^\([a-z-]*\):[^#]*## */\1	/p' $(firstword $(MAKEFILE_LIST)) | \
	    awk -F '\t' '{ printf "make %-13s %s\n", $$1, $$2 }'

clean:           ## remove all that was built (not the private Debian)
	rm -rf $(B)

ifndef RFMALLOC_INSIDE
# Outside: hand the same goals to a make inside, all at once.
inside := $(filter-out help clean,$(or $(MAKECMDGOALS),help))
$(firstword $(inside)):
	+@tools/run $(MAKE) --no-print-directory $(inside)
$(wordlist 2,99,$(inside)): $(firstword $(inside)) ;
.PHONY: $(inside)
else

CFLAGS  = -std=c11 -g -Wall -Wextra -Wshadow -Wconversion -Werror
# for the tests: cmocka converts, and gcc cannot know that its fail() never returns
LENIENT = -Wno-conversion -Wno-sign-conversion -Wno-unknown-warning-option -Wno-maybe-uninitialized
ASAN    = -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
rooms   = $(shell sed 's/#.*//' lit/ROOMS | awk '$$2 == "$(1)" { gsub(",", " ", $$0); print }')
objects = $(basename $(filter %.c,$(call rooms,$(1))))
core    := $(call objects,core)
program := $(call objects,program)
lying   := $(call objects,test)
crash   := $(call objects,crash)
checker := $(program) $(filter-out $(program).c,$(wordlist 3,99,$(call rooms,program)))
linked  := $(core) $(lying)
# What tests/core/faults.c lets fail, for the core alone: the lying disk needs its memory.
faulty  := malloc calloc realloc strdup strndup pread pwrite fsync fdatasync
tests   := $(basename $(notdir $(wildcard tests/core/test_*.c)))

##@ The sources
tangle: $(B)/tangled       ## lit/*.nw to generated/ (shipped) and build/dev/ (with #line)

$(B)/tangled: $(wildcard lit/*.nw) lit/ROOMS tools/tangle tools/outline.awk
	@tools/tangle $(B)
	@touch $@

tangle-check:    ## is generated/ what a fresh tangle gives?
	@tools/tangle -n $(B)

$(B)/dev/%.c: $(B)/tangled ;
$(B)/dev/%.h: $(B)/tangled ;

##@ The core, in C alone: one folder of objects for each way to compile it
comma := ,
# $(1) folder, $(2) compiler and its flags
define variant
$(B)/$(1)/%.o: $(B)/dev/%.c
	@mkdir -p $$(@D)
	@echo $$@
	@$(2) $(CFLAGS) -MMD -MP -c -o $$@ $$<
$(B)/$(1)/faulty-core.o: $$(core:%=$(B)/$(1)/%.o)
	@ld -r $$(faulty:%=--wrap=%) -o $$@ $$^
$(B)/$(1)/faults.o: tests/core/faults.c
	@$(2) $(CFLAGS) -MMD -MP -c -o $$@ $$<
$(B)/$(1)/test_%: tests/core/test_%.c $(B)/$(1)/faulty-core.o $(B)/$(1)/faults.o $$(lying:%=$(B)/$(1)/%.o)
	@echo $$@
	@$(2) $(CFLAGS) $(LENIENT) -I$(B)/dev -Itests/core -MMD -MP -MF $$@.d -o $$@ $$< $$(filter %.o,$$^) -lcmocka -lpthread
-include $(wildcard $(B)/$(1)/*.d)
endef
$(eval $(call variant,plain,gcc -O2))
$(eval $(call variant,clang,clang -O2))
$(eval $(call variant,asan,gcc -O1 $(ASAN)))
$(eval $(call variant,counted,gcc -O0 --coverage -Wl$(comma)-u$(comma)__gcov_dump))
.SECONDARY:

compiled = $(foreach o,$(linked) $(program) $(crash),$(B)/plain/$(o).o $(B)/clang/$(o).o)
programs = $(tests:%=$(B)/plain/%) $(if $(program),$(B)/plain/rfm-check)
core: $(compiled) $(programs) ## the C core and its tests, by gcc and clang, no warning allowed

$(B)/plain/rfm-check: $(checker:%=$(B)/plain/%.o)
	gcc -o $@ $^ -lpthread

test-core: core $(tests:%=$(B)/asan/%) ## the core's unit tests, under ASan and UBSan
	@status=0; for t in $(tests); do \
	    tools/tap core/$$t $(B)/asan/$$t || status=1; done; exit $$status

valgrind: $(tests:%=$(B)/plain/%) ## the same tests under valgrind
	@status=0; for t in $(tests); do \
	    tools/tap valgrind/$$t valgrind -q --leak-check=full --error-exitcode=3 \
	    $(B)/plain/$$t || status=1; done; exit $$status

torture: install ## gctorture over strings and lists, as it is and under valgrind
	@tests/torture/run plain valgrind

crash: $(B)/crash/explorer ## every file that a power cut may leave, recovered and checked
	@tools/tap crash tests/crash/run $(B)/crash/explorer

$(B)/crash/explorer: $(crash:%=$(B)/plain/%.o) $(linked:%=$(B)/plain/%.o)
	@mkdir -p $(@D)
	gcc -o $@ $^ -lpthread

##@ The R package
version := $(shell sed -n 's/^Version: *//p' rpkg/DESCRIPTION 2>/dev/null)
tarball := $(B)/Rfmalloc_$(version).tar.gz
# The same without the vignettes, which need the package to be made: what is installed here.
quick   := $(B)/quick/Rfmalloc_$(version).tar.gz

build: $(tarball) ## the package's source tarball

$(tarball): $(B)/tangled $(shell find rpkg -type f -o -type d 2>/dev/null)
	cd $(B) && R CMD build $(CURDIR)/rpkg

$(quick): $(B)/tangled $(shell find rpkg -type f -o -type d 2>/dev/null)
	@mkdir -p $(@D)
	cd $(@D) && R CMD build --no-build-vignettes $(CURDIR)/rpkg

install: $(B)/library/Rfmalloc/Meta/package.rds ## the package into build/library, which tools/run knows

$(B)/library/Rfmalloc/Meta/package.rds: $(quick)
	@mkdir -p $(B)/library
	MAKEFLAGS= flock $(B)/lock R CMD INSTALL --library=$(B)/library $<

docs: install ## man pages and NAMESPACE from the roxygen comments in rpkg/R
	Rscript -e 'roxygen2::roxygenise("rpkg", load_code = roxygen2::load_installed)'

check-package: $(tarball) ## R CMD check --as-cran, with the R tests
	@tools/check-package $< $(B)

test-process: install ## what takes more than one process: kill, fork, readers, full disk
	@status=0; for t in $(wildcard tests/process/test_*); do \
	    case $$t in *.R) run=Rscript ;; *) run=sh ;; esac; \
	    tools/tap $${t#tests/} $$run $$t || status=1; done; exit $$status

test-client: $(B)/client/rfmclient/Meta/package.rds ## another package's C, using the installed header
	@R_LIBS=$(CURDIR)/$(B)/client:$$R_LIBS tools/tap client/test_client.R \
	    Rscript tests/client/test_client.R

client := tests/client/rfmclient
$(B)/client/rfmclient/Meta/package.rds: $(B)/library/Rfmalloc/Meta/package.rds $(shell find $(client) -type f)
	@mkdir -p $(B)/client
	cd $(B)/client && R CMD build $(CURDIR)/$(client)
	MAKEFLAGS= R CMD INSTALL --library=$(B)/client $(B)/client/rfmclient_*.tar.gz

dist: $(tarball) ## that tarball, proved to install with R and a C compiler alone
	@tools/check-dist $< $(B)

demo: install ## the bird strikes: fill a store, kill R, reopen, check, fit
	@tests/demo/run $(B)/demo

benches := $(basename $(notdir $(wildcard tests/bench/bench_*.c)))
bench: install $(benches:%=$(B)/plain/%) ## measured speeds, not a test
	@for t in $(benches); do echo "== $$t"; $(B)/plain/$$t || exit 1; done
	@for t in $(wildcard tests/bench/*.R); do echo "== $$t"; Rscript $$t || exit 1; done

$(B)/plain/bench_%: tests/bench/bench_%.c $(linked:%=$(B)/plain/%.o)
	gcc -O2 $(CFLAGS) $(LENIENT) -I$(B)/dev -Itests/core -o $@ $< $(filter %.o,$^) -lpthread

coverage: $(tests:%=$(B)/counted/%) $(B)/counted/explorer ## which lines of C and R the tests reach, per chapter
	@tests/coverage/run $(B)/counted

$(B)/counted/explorer: $(crash:%=$(B)/counted/%.o) $(linked:%=$(B)/counted/%.o)
	gcc --coverage -o $@ $^ -lpthread

##@ The book
book: $(B)/tangled ## the book as HTML, in build/book
	@book/weave

pdf: $(B)/tangled ## the book as PDF
	@book/weave --pdf

tidy: $(B)/tangled ## the mechanical checks of the prose and the code
	@book/tidy

##@ All of it
test-tools: ## do tangle, weave, tidy and the runners do what they say, and fail when they should?
	@status=0; for t in tests/tools/run tests/book/run; do \
	    tools/tap $${t#tests/} $$t || status=1; done; exit $$status

steps = tangle-check tidy test-tools test-core crash check-package test-process test-client book
check: ## everything that must hold: all of the above but valgrind, bench, dist and pdf
	@tools/count --clear
	@for s in $(steps); do tools/count --step "make $$s" $(MAKE) --no-print-directory $$s; done; \
	    tools/count --sum

.PHONY: tangle tangle-check core test-core valgrind crash build install docs \
    check-package test-process test-client test-tools torture coverage dist demo bench book pdf tidy check
endif
.PHONY: help clean
