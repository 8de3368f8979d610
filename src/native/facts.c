// What this machine gives us and what it does not: for HELLO and for `membrane probe`.
#define _GNU_SOURCE
#include "facts.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cgroup.h"
#include "frame.h"
#include "ids.h"
#include "spawner.h"

static char weak_bytes[8192];
struct text weak = { weak_bytes, sizeof weak_bytes, 0, false };

const char *facts_directory(void) {
  return cgroups.directory;
}

static void say_controllers(struct text *out) {
  sayf(out, "{\"memory\":\"%s\",\"cpu\":\"%s\",\"pids\":\"%s\",\"freezer\":\"%s\"}", controller_version(cgroups.memory),
       controller_version(cgroups.cpu), controller_version(cgroups.pids), controller_version(cgroups.freezer));
}

static void say_weak(struct text *out) {
  const char *separator = "";
  say(out, "[");
  for (const char *at = weak.at, *end; (end = strchr(at, '\n')); at = end + 1) {
    TEXT(reason, 1024);
    say_n(&reason, at, (size_t)(end - at));
    say(out, separator);
    say_json(out, reason.at);
    separator = ",";
  }
  say(out, "]");
}

static bool seccomp_filters(void) {
  return prctl(PR_GET_SECCOMP, 0, 0, 0, 0) >= 0;
}

void facts_say(struct text *out) {
  struct utsname kernel;
  uname(&kernel);
  sayf(out, "{\"version\":%d,\"pid\":%d,\"kernel\":", PROTOCOL_VERSION, (int)getpid());
  say_json(out, kernel.release);
  sayf(out, ",\"privileged\":%s", spawner.privileged ? "true" : "false");
  sayf(out, ",\"uid_range\":%d", spawner.ranged ? ID_RANGE : 1);
  sayf(out, ",\"cgroup\":\"%s\",\"controllers\":", cgroups_kind());
  say_controllers(out);
  say(out, ",\"namespaces\":[\"user\",\"mount\",\"pid\",\"ipc\",\"uts\",\"net\",\"cgroup\"]");
  sayf(out, ",\"seccomp\":%s", seccomp_filters() ? "true" : "false");
  sayf(out, ",\"room\":true,\"nofile\":%llu", (unsigned long long)spawner.nofile);
  sayf(out, ",\"memory_ceiling\":%llu,\"weak\":", (unsigned long long)cgroups.ceiling);
  say_weak(out);
  say(out, "}");
}

static uint64_t setting(const char *path) {
  uint64_t n = 0;
  return number_at(AT_FDCWD, path, &n) ? UINT64_MAX : n;
}

static void explain_namespaces(int error) {
  const char *fix = "run as root, or allow unprivileged user namespaces";
  if (setting("/proc/sys/kernel/apparmor_restrict_unprivileged_userns") == 1)
    fix = "AppArmor restricts them: sysctl -w kernel.apparmor_restrict_unprivileged_userns=0 (Ubuntu 23.10 and later)";
  else if (setting("/proc/sys/kernel/unprivileged_userns_clone") == 0)
    fix = "sysctl -w kernel.unprivileged_userns_clone=1";
  else if (setting("/proc/sys/user/max_user_namespaces") == 0) fix = "sysctl -w user.max_user_namespaces=15000";
  else if (error == ENOSYS || error == EINVAL || error == E2BIG) fix = "use Linux 5.10 or later";
  sayf(&weak, "namespaces: %s; %s\n", strerror(error), fix);
}

bool facts_try_namespaces(void) {
  struct clone_args args = { .exit_signal = SIGCHLD };
  args.flags = CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC;
  args.flags |= CLONE_NEWUTS | CLONE_NEWNET | CLONE_NEWCGROUP;
  pid_t pid = (pid_t)syscall(SYS_clone3, &args, sizeof args);
  if (pid == 0) _exit(0);
  if (pid > 0) {
    waitpid(pid, NULL, 0);
    return true;
  }
  explain_namespaces(errno);
  return false;
}

static void say_reason(struct text *out, const char *line, size_t n) {
  TEXT(what, 64);
  TEXT(why, 512);
  TEXT(fix, 512);
  const char *end = line + n, *colon = memmem(line, n, ": ", 2), *semicolon = colon;
  for (const char *next = colon; next && (next = memmem(next, (size_t)(end - next), "; ", 2)); next += 2)
    if (semicolon == colon) semicolon = next;
  if (!colon || semicolon == colon) return;
  say_n(&what, line, (size_t)(colon - line));
  say_n(&why, colon + 2, (size_t)(semicolon - colon - 2));
  say_n(&fix, semicolon + 2, (size_t)(end - semicolon - 2));
  say(out, "{\"what\":");
  say_json(out, what.at);
  say(out, ",\"why\":");
  say_json(out, why.at);
  say(out, ",\"fix\":");
  say_json(out, fix.at);
  say(out, "}");
}

int facts_probe(const char *instance) {
  TEXT(out, 16384);
  const char *separator = "";
  bool spaces = facts_try_namespaces();
  cgroups_find(instance, spawner.privileged, &weak);
  cgroups_make(&weak);
  sayf(&out, "{\"ok\":%s,\"facts\":", spaces && weak.len == 0 ? "true" : "false");
  facts_say(&out);
  say(&out, ",\"reasons\":[");
  for (const char *at = weak.at, *end; (end = strchr(at, '\n')); at = end + 1) {
    say(&out, separator);
    say_reason(&out, at, (size_t)(end - at));
    separator = ",";
  }
  say(&out, "]}");
  cgroups_remove();
  puts(out.at);
  return spaces ? 0 : 1;
}
