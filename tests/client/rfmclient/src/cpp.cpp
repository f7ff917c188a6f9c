// The same header in C++.
#include <Rfmalloc.h>

extern "C" SEXP cpp_version(void)
{
	return Rf_ScalarInteger(Rfmalloc_api_version());
}
