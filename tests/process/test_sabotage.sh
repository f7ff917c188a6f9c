#!/bin/sh
# Would the equality test notice? One kernel after another is broken on purpose, the
# library is linked again, and the test must fail; unbroken it must pass. Prints TAP.
# usage: tests/process/test_sabotage.sh
set -u
top=$(cd "$(dirname "$0")/../.." && pwd -P)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
n=0
failed=0

installed=$(Rscript -e 'cat(find.package("Rfmalloc"))')
mkdir "$work/library" "$work/src"
cp -R "$installed" "$work/library"
cp -L "$top"/rpkg/src/*.[ch] "$work/src"
rm "$work/src/rfm_check.c"
cd "$work/src" || exit 1
flags="-std=gnu11 -O1 -fPIC -I$top/rpkg/inst/include $(R CMD config --cppflags)"

compile() { gcc $flags -c "$1.c" -o "$1.o" 2>"$work/said"; }
link() {
	gcc -shared -o "$work/library/Rfmalloc/libs/Rfmalloc.so" ./*.o \
	    $(R CMD config --ldflags) $(R CMD config BLAS_LIBS) -lpthread -lm 2>"$work/said"
}
passes() {	# passes TYPE: the equality test of this type
	(cd "$top/rpkg/tests/testthat" && RFM_TYPE=$1 \
	    R_LIBS="$work/library:$R_LIBS" Rscript -e 'testthat::test_file(
	        "test-equality.R", package = "Rfmalloc", reporter = "check",
	        load_package = "installed", stop_on_failure = TRUE)') >"$work/said" 2>&1
}
verdict() {	# verdict STATUS TEXT
	n=$((n + 1))
	if [ "$1" -eq 0 ]; then echo "ok $n - $2"; return; fi
	echo "not ok $n - $2"
	tail -n 20 "$work/said" | sed 's/^/# /'
	failed=1
}
broken() {	# broken TYPE WHAT SED-EXPRESSION: ops.c so changed must be noticed
	type=$1
	shift
	sed "$2" "$top/rpkg/src/ops.c" >ops.c
	if cmp -s ops.c "$top/rpkg/src/ops.c"; then
		echo "there is no such code any more" >"$work/said"
		verdict 1 "$1"
		return
	fi
	if ! compile ops || ! link; then verdict 1 "$1: it compiles"; return; fi
	! passes "$type" && grep -q '  ours: ' "$work/said"
	verdict $? "noticed: $1"
}

for file in *.c; do
	compile "${file%.c}" || verdict 1 "$file compiles"
done
link && passes numeric
verdict $? "unbroken, the test passes"
broken numeric "an addition subtracts" 's/EACH(x\[k\] + y\[k\])/EACH(x[k] - y[k])/'
broken numeric "less is at most" 's/case LESS: COMPARE(<)/case LESS: COMPARE(<=)/'
broken integer "integers overflow in silence" '/overflow |= beyond/d'
broken numeric "recycling starts at the wrong place" 's/at = from % operand->length, run/at = 0, run/'
broken numeric "cummin is cummax" 's/RUN(EXTREME(<))/RUN(EXTREME(>))/'
broken numeric "NaN is produced in silence" '/produced |= ISNAN/d'
broken numeric "names are forgotten" '/^	copy_names(x, y, target);/d'
broken numeric "a matrix is not turned" 's/target\[i \* columns + j\]/target[j * rows + i]/'
broken numeric "missing values are not counted as such" 's/ISNAN(x\[k\]) || ISNAN(y\[k\]) ? NA_LOGICAL : //'
echo "1..$n"
exit $failed
