/*
 * A mock of NVML, written by us from the signatures that NVIDIA documents for nvml.h. It is a mock because a GPU with
 * its driver cannot be had where the tests run. Nothing of NVIDIA's is copied: types have only the layout that a caller
 * relies on.
 *
 * What it does is read, at each call, from the file beside it that has its name and `.conf`. A line is `KEY VALUE`; a
 * key may be `KEY@DEVICE`, which goes before the key alone:
 *
 *   gpus 2                         how many GPUs there are (2)
 *   nvmlDeviceGetPowerUsage@1 999  what this function returns for device 1: 3 not supported, 15 lost, 999 unknown
 *   every 15                       what all functions of a device return
 *   hang 1                         no function of a device comes back while this line is there
 *   reasons 72, replays 5, ecc 3, double 1, rows 2, remap-failed 1, util 40, mig 3     what is measured
 *   sm-clock 1410, heat 61, cap 700000     likewise: MHz, degrees Celsius, milliwatts
 *   processes 4                    how many processes compute on it
 *   pid 4711                       one of them, with this number; the others have 1
 *
 * -DWITHOUT_nvmlX leaves the function out, as an older driver does.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef int nvmlReturn_t;
typedef struct { unsigned number; unsigned instance; } *nvmlDevice_t;

enum { SUCCESS = 0, INVALID_ARGUMENT = 2, NOT_SUPPORTED = 3, NOT_FOUND = 6, INSUFFICIENT_SIZE = 7 };

typedef struct {
    char busIdLegacy[16];
    unsigned domain, bus, device, pciDeviceId, pciSubSystemId;
    char busId[32];
} nvmlPciInfo_t;
typedef struct { unsigned gpu, memory; } nvmlUtilization_t;
typedef struct { unsigned version; unsigned long long total, reserved, free, used; } nvmlMemory_v2_t;
typedef union { double d; unsigned u; unsigned long ul; unsigned long long ull; long long sll; } nvmlValue_t;
typedef struct {
    unsigned fieldId, scopeId;
    long long timestamp, latencyUsec;
    unsigned valueType;
    nvmlReturn_t nvmlReturn;
    nvmlValue_t value;
} nvmlFieldValue_t;

#define MOST 8
static struct { unsigned number; unsigned instance; } devices[MOST], instances[MOST][MOST];

nvmlReturn_t nvmlInit_v2(void);

/* The value of a key for a device, or of the key alone, or else. */
static long setting(const char *key, int device, long otherwise)
{
    Dl_info self;
    char path[4096], line[256], own[128], name[128];
    long value, common = otherwise;
    FILE *file;
    if (!dladdr((void *)nvmlInit_v2, &self)) return otherwise;
    snprintf(path, sizeof path, "%s.conf", self.dli_fname);
    snprintf(own, sizeof own, "%s@%d", key, device);
    file = fopen(path, "r");
    if (!file) return otherwise;
    while (fgets(line, sizeof line, file)) {
        if (sscanf(line, "%127s %ld", name, &value) != 2) continue;
        if (device >= 0 && strcmp(name, own) == 0) { fclose(file); return value; }
        if (strcmp(name, key) == 0) common = value;
    }
    fclose(file);
    return common;
}

static nvmlReturn_t begin(const char *function, nvmlDevice_t device)
{
    int number = (int)device->number;
    long all;
    while (setting("hang", number, 0)) usleep(5000);
    all = setting("every", number, 0);
    return (nvmlReturn_t)(all ? all : setting(function, number, 0));
}

#define ENTER(device) do { nvmlReturn_t code = begin(__func__, device); if (code) return code; } while (0)

nvmlReturn_t nvmlInit_v2(void) { return (nvmlReturn_t)setting("nvmlInit_v2", -1, 0); }
nvmlReturn_t nvmlShutdown(void) { return SUCCESS; }
const char *nvmlErrorString(nvmlReturn_t code) { (void)code; return "mock"; }

nvmlReturn_t nvmlSystemGetDriverVersion(char *version, unsigned length)
{
    snprintf(version, length, "580.95.05");
    return (nvmlReturn_t)setting("nvmlSystemGetDriverVersion", -1, 0);
}

nvmlReturn_t nvmlDeviceGetCount_v2(unsigned *count)
{
    *count = (unsigned)setting("gpus", -1, 2);
    return (nvmlReturn_t)setting("nvmlDeviceGetCount_v2", -1, 0);
}

nvmlReturn_t nvmlDeviceGetHandleByIndex_v2(unsigned index, nvmlDevice_t *device)
{
    if (index >= MOST) return INVALID_ARGUMENT;
    devices[index].number = index;
    *device = (nvmlDevice_t)&devices[index];
    ENTER(*device);
    return SUCCESS;
}

nvmlReturn_t nvmlDeviceGetUUID(nvmlDevice_t device, char *uuid, unsigned length)
{
    ENTER(device);
    snprintf(uuid, length, "GPU-00000000-0000-0000-0000-%012u", device->number);
    return SUCCESS;
}

nvmlReturn_t nvmlDeviceGetName(nvmlDevice_t device, char *name, unsigned length)
{
    ENTER(device);
    snprintf(name, length, "NVIDIA H100 80GB HBM3%s", device->instance ? " MIG 1g.10gb" : "");
    return SUCCESS;
}

nvmlReturn_t nvmlDeviceGetPciInfo_v3(nvmlDevice_t device, nvmlPciInfo_t *pci)
{
    ENTER(device);
    memset(pci, 0, sizeof *pci);
    pci->bus = 0x1b + device->number;
    snprintf(pci->busId, sizeof pci->busId, "00000000:%02X:00.0", pci->bus);
    return SUCCESS;
}

nvmlReturn_t nvmlDeviceGetMigMode(nvmlDevice_t device, unsigned *current, unsigned *pending)
{
    ENTER(device);
    *current = *pending = setting("mig", (int)device->number, 0) > 0;
    return SUCCESS;
}

nvmlReturn_t nvmlDeviceGetMaxMigDeviceCount(nvmlDevice_t device, unsigned *count)
{
    ENTER(device);
    *count = 7;
    return SUCCESS;
}

nvmlReturn_t nvmlDeviceGetMigDeviceHandleByIndex(nvmlDevice_t device, unsigned index, nvmlDevice_t *instance)
{
    ENTER(device);
    if (index >= MOST || index >= (unsigned)setting("mig", (int)device->number, 0)) return NOT_FOUND;
    instances[device->number][index].number = device->number;
    instances[device->number][index].instance = index + 1;
    *instance = (nvmlDevice_t)&instances[device->number][index];
    return SUCCESS;
}

nvmlReturn_t nvmlDeviceGetUtilizationRates(nvmlDevice_t device, nvmlUtilization_t *rates)
{
    ENTER(device);
    rates->gpu = (unsigned)setting("util", (int)device->number, 61);
    rates->memory = 12;
    return SUCCESS;
}

#ifndef WITHOUT_nvmlDeviceGetMemoryInfo_v2
nvmlReturn_t nvmlDeviceGetMemoryInfo_v2(nvmlDevice_t device, nvmlMemory_v2_t *memory)
{
    ENTER(device);
    memory->total = 80ULL << 30;
    memory->used = 20ULL << 30;
    memory->reserved = 1ULL << 29;
    memory->free = memory->total - memory->used - memory->reserved;
    return SUCCESS;
}
#endif

#ifndef WITHOUT_nvmlDeviceGetPowerUsage
nvmlReturn_t nvmlDeviceGetPowerUsage(nvmlDevice_t device, unsigned *milliwatts)
{
    ENTER(device);
    *milliwatts = 612500 + device->number;
    return SUCCESS;
}
#endif

nvmlReturn_t nvmlDeviceGetEnforcedPowerLimit(nvmlDevice_t device, unsigned *milliwatts)
{
    ENTER(device);
    *milliwatts = (unsigned)setting("cap", (int)device->number, 700000);
    return SUCCESS;
}

nvmlReturn_t nvmlDeviceGetTemperature(nvmlDevice_t device, unsigned sensor, unsigned *celsius)
{
    ENTER(device);
    if (sensor != 0) return INVALID_ARGUMENT;
    *celsius = (unsigned)setting("heat", (int)device->number, 64 + (long)device->number);
    return SUCCESS;
}

nvmlReturn_t nvmlDeviceGetClockInfo(nvmlDevice_t device, unsigned domain, unsigned *megahertz)
{
    ENTER(device);
    /* graphics 0, SM 1, memory 2, video 3 */
    *megahertz = domain == 1 ? (unsigned)setting("sm-clock", (int)device->number, 1980) : domain == 2 ? 2619 : 1;
    return SUCCESS;
}

nvmlReturn_t nvmlDeviceGetCurrentClocksThrottleReasons(nvmlDevice_t device, unsigned long long *reasons)
{
    ENTER(device);
    *reasons = (unsigned long long)setting("reasons", (int)device->number, 0);
    return SUCCESS;
}

#ifndef WITHOUT_nvmlDeviceGetTotalEccErrors
nvmlReturn_t nvmlDeviceGetTotalEccErrors(nvmlDevice_t device, unsigned kind, unsigned counter, unsigned long long *count)
{
    ENTER(device);
    /* corrected 0, uncorrected 1; since the driver was loaded 0, in its life 1 */
    if (counter != 0) return INVALID_ARGUMENT;
    *count = (unsigned long long)setting(kind ? "double" : "ecc", (int)device->number, 0);
    return SUCCESS;
}
#endif

#ifndef WITHOUT_nvmlDeviceGetPcieReplayCounter
nvmlReturn_t nvmlDeviceGetPcieReplayCounter(nvmlDevice_t device, unsigned *count)
{
    ENTER(device);
    *count = (unsigned)setting("replays", (int)device->number, 0);
    return SUCCESS;
}
#endif

#ifndef WITHOUT_nvmlDeviceGetFieldValues
nvmlReturn_t nvmlDeviceGetFieldValues(nvmlDevice_t device, int count, nvmlFieldValue_t *values)
{
    int at, number = (int)device->number;
    ENTER(device);
    for (at = 0; at < count; at++) {
        values[at].valueType = 1; /* unsigned int */
        values[at].nvmlReturn = SUCCESS;
        switch (values[at].fieldId) {
        case 82: /* temperature of the memory */
            values[at].nvmlReturn = (nvmlReturn_t)setting("memory-temp", number, 0);
            values[at].value.u = 71;
            break;
        case 143: values[at].value.u = (unsigned)setting("rows", number, 0); break;
        case 145: values[at].value.u = (unsigned)setting("remap-failed", number, 0); break;
        default: values[at].nvmlReturn = NOT_SUPPORTED;
        }
    }
    return SUCCESS;
}
#endif

typedef struct {
    unsigned pid;
    unsigned long long used;
    unsigned gpu_instance;
    unsigned compute_instance;
} Process;

/* Asked with room for none, it tells how many there are. */
nvmlReturn_t nvmlDeviceGetComputeRunningProcesses_v3(nvmlDevice_t device, unsigned *count, void *processes)
{
    ENTER(device);
    unsigned pid = (unsigned)setting("pid", (int)device->number, 0);
    unsigned there = (unsigned)setting("processes", (int)device->number, pid ? 1 : 0);
    unsigned room = processes ? *count : 0;
    *count = there;
    if (room < there)
        return INSUFFICIENT_SIZE;
    for (unsigned at = 0; at < there; at++)
        ((Process *)processes)[at] = (Process){ at == 0 && pid ? pid : 1, 0, ~0u, ~0u };
    return SUCCESS;
}

/* Asked for the number of processes alone, with room for none. */
nvmlReturn_t nvmlDeviceGetGraphicsRunningProcesses_v3(nvmlDevice_t device, unsigned *count, void *processes)
{
    (void)processes;
    ENTER(device);
    *count = 0;
    return SUCCESS;
}
