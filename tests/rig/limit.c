/* Says that 65536 files may be open where the real hard limit is lower, so that a search node passes its own start check on a machine whose
   limit nobody can raise. For the rig alone; see tests/it/rig/. Built by the test: cc -shared -fPIC. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <sys/resource.h>

#define ENOUGH 65536

typedef int (*asked)(int, void *);

static int ask(const char *name, int resource, void *limit, rlim_t *soft, rlim_t *hard) {
  int result = ((asked)dlsym(RTLD_NEXT, name))(resource, limit);
  if (result == 0 && resource == RLIMIT_NOFILE && *hard < ENOUGH) *soft = *hard = ENOUGH;
  return result;
}

int getrlimit(__rlimit_resource_t resource, struct rlimit *limit) {
  return ask("getrlimit", resource, limit, &limit->rlim_cur, &limit->rlim_max);
}

int getrlimit64(__rlimit_resource_t resource, struct rlimit64 *limit) {
  return ask("getrlimit64", resource, limit, (rlim_t *)&limit->rlim_cur, (rlim_t *)&limit->rlim_max);
}
