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
broken() {	# broken ROOM TYPE WHAT SED-EXPRESSION: ROOM.c so changed must be noticed
	room=$1 type=$2
	shift 2
	sed "$2" "$top/rpkg/src/$room.c" >"$room.c"
	if cmp -s "$room.c" "$top/rpkg/src/$room.c"; then
		echo "there is no such code any more" >"$work/said"
		verdict 1 "$1"
		return
	fi
	if ! compile "$room" || ! link; then verdict 1 "$1: it compiles"; return; fi
	! passes "$type" && grep -q '  ours: ' "$work/said"
	verdict $? "noticed: $1"
	cp -L "$top/rpkg/src/$room.c" "$room.c" && compile "$room"
}

for file in *.c; do
	compile "${file%.c}" || verdict 1 "$file compiles"
done
link && passes numeric
verdict $? "unbroken, the test passes"
broken ops numeric "an addition subtracts" 's/EACH(x\[k\] + y\[k\])/EACH(x[k] - y[k])/'
broken ops numeric "less is at most" 's/case LESS: COMPARE(<)/case LESS: COMPARE(<=)/'
broken ops integer "integers overflow in silence" '/overflow |= beyond/d'
broken ops numeric "recycling starts at the wrong place" 's/at = from % operand->length, run/at = 0, run/'
broken ops numeric "cummin is cummax" 's/RUN(EXTREME(<))/RUN(EXTREME(>))/'
broken ops numeric "NaN is produced in silence" '/produced |= ISNAN/d'
broken ops numeric "names are forgotten" '/^	copy_names(x, y, target);/d'
broken ops numeric "a matrix is not turned" 's/target\[i \* columns + j\]/target[j * rows + i]/'
broken ops numeric "missing values are not counted as such" 's/ISNAN(x\[k\]) || ISNAN(y\[k\]) ? NA_LOGICAL : //'
broken bind numeric "a part does not begin again" 's/from = done % part->length/from = 0/'
broken bind numeric "rows and columns are bound alike" 's/b->stripes == 1/b->stripes > 0/'
broken bind integer "the type is that of the first part" 's/rank_of(type) > rank_of(b->type)/b->type == 0/'
broken bind character "a run of text lands one place off" 's/done \/ part->run \* b->stripe +$/done \/ part->run * b->stripe + 1 +/'
broken product numeric "the wrong factor is turned" 's/kind == RFM_PRODUCT_TCROSS;/kind == RFM_PRODUCT_CROSS;/'
broken product numeric "the lower half is not mirrored" '/z\[i + n \* j\] = /s/=.*/= 0;/'
broken product numeric "missing values go to the BLAS" 's/return !finite/return false/'
broken altstr character "a run of text begins at the first string" 's/(from + i + k)/(i + k)/'
echo "1..$n"
exit $failed
