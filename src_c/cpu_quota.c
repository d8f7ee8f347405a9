/* Quotas of the control groups (Linux): cpu.max of version 2, cpu.cfs_quota_us and cpu.cfs_period_us of version 1.
 *
 * /proc/self/cgroup names the process's group in each hierarchy, /proc/self/mountinfo where that hierarchy is to be seen, and
 * which part of it: in a container often only the group itself. Every group up to there may have a quota; the tightest
 * holds. What is missing or cannot be read limits nothing.
 */
#define _POSIX_C_SOURCE 200809L
#include "qkernels.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LENGTH = 4096 }; /* of a path */

struct hierarchy {
    int version;
    char group[LENGTH];                 /* of this process */
    char top[LENGTH], mounted[LENGTH];  /* the group that is mounted, and where */
};

static int is_listed(const char *list, const char *name) {
    const size_t length = strlen(name);
    for (const char *at = list, *comma; at; at = comma ? comma + 1 : NULL) {
        if (strncmp(at, name, length) == 0 && (at[length] == ',' || at[length] == '\0')) return 1;
        comma = strchr(at, ',');
    }
    return 0;
}

static FILE *open_file(const char *directory, const char *name) {
    char path[2 * LENGTH];
    const int length = snprintf(path, sizeof path, "%s/%s", directory, name);
    return length > 0 && (size_t)length < sizeof path ? fopen(path, "re") : NULL;
}

/* "4:cpu,cpuacct:/docker/1", of version 2 "0::/docker/1" */
static int find_group(FILE *file, struct hierarchy *h) {
    char *line = NULL;
    size_t size = 0;
    int found = 0;
    while (!found && getline(&line, &size, file) > 0) {
        char *controllers = strchr(line, ':'), *group = controllers ? strchr(controllers + 1, ':') : NULL;
        if (!group) continue;
        *group++ = '\0';
        group[strcspn(group, "\n")] = '\0';
        if (strlen(group) >= LENGTH) continue;
        found = h->version == 2 ? controllers[1] == '\0' : is_listed(controllers + 1, "cpu");
        if (found) strcpy(h->group, group);
    }
    free(line);
    return found;
}

/* Spaces and the like stand as \040. */
static void unescape(char *path) {
    char *to = path;
    for (const char *from = path; *from; to++) {
        const int escaped = *from == '\\' && strspn(from + 1, "01234567") >= 3;
        *to = escaped ? (char)((from[1] - '0') * 64 + (from[2] - '0') * 8 + from[3] - '0') : *from;
        from += escaped ? 4 : 1;
    }
    *to = '\0';
}

/* "36 35 0:30 /docker/1 /sys/fs/cgroup/cpu rw,relatime shared:9 - cgroup cgroup rw,cpu,cpuacct" */
static int find_mount(FILE *file, struct hierarchy *h) {
    char *line = NULL;
    size_t size = 0;
    int found = 0;
    while (!found && getline(&line, &size, file) > 0) {
        line[strcspn(line, "\n")] = '\0';
        const char *type = strstr(line, " - "), *options = strrchr(line, ' ');
        if (!type || sscanf(line, "%*s %*s %*s %4095s %4095s", h->top, h->mounted) != 2) continue;
        found = h->version == 2 ? strncmp(type + 3, "cgroup2 ", 8) == 0
                                : strncmp(type + 3, "cgroup ", 7) == 0 && is_listed(options + 1, "cpu");
    }
    free(line);
    if (found) unescape(h->top), unescape(h->mounted);
    return found;
}

static double number_in(const char *directory, const char *name) {
    FILE *file = open_file(directory, name);
    double number = 0;
    if (!file) return 0;
    if (fscanf(file, "%lf", &number) != 1) number = 0;
    fclose(file);
    return number;
}

static double quota_of(const char *directory, int version) {
    double quota = 0, period = 0;
    if (version == 1) {
        quota = number_in(directory, "cpu.cfs_quota_us"); /* -1: none */
        period = number_in(directory, "cpu.cfs_period_us");
    } else {
        FILE *file = open_file(directory, "cpu.max"); /* "150000 100000" or "max 100000" */
        if (file && fscanf(file, "%lf %lf", &quota, &period) != 2) period = 0;
        if (file) fclose(file);
    }
    return quota >= 1 && period >= 1 && isfinite(period) ? quota / period : INFINITY; /* microseconds */
}

/* The group's path below the mounted one; that one itself where the group cannot be seen from here. */
static const char *below(const struct hierarchy *h) {
    const size_t length = strcmp(h->top, "/") == 0 ? 0 : strlen(h->top);
    const char *rest = h->group + length;
    if (strncmp(h->group, h->top, length) != 0 || (*rest != '/' && *rest != '\0') || strstr(rest, "/..")) return "";
    return strcmp(rest, "/") == 0 ? "" : rest;
}

static double tightest(const char *root, const struct hierarchy *h) {
    char directory[3 * LENGTH];
    const int top = snprintf(directory, sizeof directory, "%s%s", root, h->mounted);
    if (top < 0 || (size_t)top >= sizeof directory - LENGTH) return INFINITY;
    strcpy(directory + top, below(h));
    for (double least = INFINITY;;) {
        least = fmin(least, quota_of(directory, h->version));
        char *last = strrchr(directory + top, '/');
        if (!last) return least;
        *last = '\0';
    }
}

double qk_cpu_quota(const char *root) {
    double least = INFINITY;
    struct hierarchy *h = malloc(sizeof *h);
    for (int version = 1; h && version <= 2; version++) {
        FILE *groups = open_file(root, "proc/self/cgroup"), *mounts = open_file(root, "proc/self/mountinfo");
        h->version = version;
        if (groups && mounts && find_group(groups, h) && find_mount(mounts, h)) least = fmin(least, tightest(root, h));
        if (groups) fclose(groups);
        if (mounts) fclose(mounts);
    }
    free(h);
    return least;
}
