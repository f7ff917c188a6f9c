/* Tangled from lit/60_runtime.nw by 'make tangle': change it there, not here. */
#ifndef RFM_RCOMPAT_H
#define RFM_RCOMPAT_H
#ifndef R_NO_REMAP
#define R_NO_REMAP
#endif
#include <R.h>
#include <Rinternals.h>
#include <Rversion.h>
#include <R_ext/Altrep.h>
#include <R_ext/Memory.h>
#include <R_ext/Rdynload.h>
#include <R_ext/Utils.h>
#include <R_ext/Visibility.h>

#if R_VERSION < R_Version(4, 3, 0)
#error "Rfmalloc needs R 4.3 or newer"
#endif
/* ask for the name of an ALTREP class */
#if R_VERSION < R_Version(4, 6, 0)
#define rfm_class_name(x)    CAR(ATTRIB(ALTREP_CLASS(x)))
#define rfm_class_package(x) CADR(ATTRIB(ALTREP_CLASS(x)))
#define rfm_attribute_count(x) Rf_xlength(ATTRIB(x))
#else
#define rfm_class_name(x)    R_altrep_class_name(x)
#define rfm_class_package(x) R_altrep_class_package(x)
#define rfm_attribute_count(x) R_getAttribCount(x)
#endif
#endif
