/* SPDX-License-Identifier: MIT */
/*
 * The extension module "_template" for runner/template.py: the only file that includes Python.h.
 *
 * It keeps to the limited API (PEP 384, 3.9), so that one build serves every CPython from 3.9 on that PYTHON_BIN names.
 */
#define Py_LIMITED_API 0x03090000
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "process.h"
#include "template.h"

enum { RANGES_MAX = 4096, MT19937_WORDS = 624, LARGE_BYTES = 120000 /* below what is mapped by itself */ };

static struct template_state state = { .image_error = ENOSYS };

static PyObject *begin(PyObject *self, PyObject *unused)
{
	bool own_mounts = false;

	(void)self;
	(void)unused;
	return template_begin(&own_mounts) < 0 ? PyErr_SetFromErrno(PyExc_OSError) : PyBool_FromLong(own_mounts);
}

static PyObject *flush_c(PyObject *self, PyObject *unused)
{
	(void)self;
	(void)unused;
	return PyLong_FromLong(fflush(NULL));
}

/*
 * The C library puts off work: freed chunks wait, all over the heap, until the first large allocation sorts them, and
 * that would be in every child. Done here, it costs a child some fifty pages less.
 */
static PyObject *settle_heap(PyObject *self, PyObject *unused)
{
	void *large;

	(void)self;
	(void)unused;
	malloc_trim(0);
	large = malloc(LARGE_BYTES);
	free(large);
	return PyLong_FromLong(0);
}

static PyObject *take_snapshot(PyObject *self, PyObject *unused)
{
	(void)self;
	(void)unused;
	state.image_error = snapshot_take(TEMPLATE_FD_PROC, &state.image_bytes) < 0 ? errno : 0;
	return PyLong_FromLong(state.image_error);
}

static PyObject *written_pages(PyObject *self, PyObject *unused)
{
	struct page_range *ranges = malloc(RANGES_MAX * sizeof *ranges);
	PyObject *result = NULL;
	int count;

	(void)self;
	(void)unused;
	if (!ranges)
		return PyErr_NoMemory();
	count = pages_written(TEMPLATE_FD_PROC, ranges, RANGES_MAX);
	if (count < 0)
		PyErr_SetFromErrno(PyExc_OSError);
	else
		result = PyBytes_FromStringAndSize((const char *)ranges, (Py_ssize_t)(count * sizeof *ranges));
	free(ranges);
	return result;
}

static const struct template_hooks hooks = { .before_fork = PyOS_BeforeFork,
					     .after_fork_parent = PyOS_AfterFork_Parent,
					     .after_fork_child = PyOS_AfterFork_Child };

static PyObject *fork_trial(PyObject *self, PyObject *folder)
{
	PyObject *path = PyUnicode_EncodeFSDefault(folder);
	int status;

	(void)self;
	if (!path)
		return NULL;
	status = template_fork_trial(&hooks, PyBytes_AsString(path));
	Py_DECREF(path);
	return status < 0 ? PyErr_SetFromErrno(PyExc_OSError) : PyBool_FromLong(status);
}

static PyObject *set_prefault(PyObject *self, PyObject *bytes)
{
	char *raw;
	Py_ssize_t length;

	(void)self;
	if (PyBytes_AsStringAndSize(bytes, &raw, &length) < 0)
		return NULL;
	state.prefault_pages = template_set_prefault((const struct page_range *)(const void *)raw,
						     (size_t)length / sizeof(struct page_range));
	return PyLong_FromUnsignedLong(state.prefault_pages);
}

static PyObject *serve(PyObject *self, PyObject *unused)
{
	(void)self;
	(void)unused;
	return PyLong_FromLong(template_serve(&hooks, &state));
}

static PyObject *wait_for_job(PyObject *self, PyObject *unused)
{
	(void)self;
	(void)unused;
	return template_wait() < 0 ? PyErr_SetFromErrno(PyExc_OSError) : PyLong_FromLong(0);
}

/*
 * numpy's own seed() takes milliseconds in a fresh child. The capsule is part of numpy's C interface
 * (numpy/random/bitgen.h: its first member is the state); the state of MT19937 is the key and a position
 * (numpy/random/src/mt19937/mt19937.h), which at the end of the key means: make the next block first.
 */
static PyObject *reseed_mt19937(PyObject *self, PyObject *capsule)
{
	struct {
		uint32_t key[MT19937_WORDS];
		int position;
	} * numbers;
	void **generator = PyCapsule_GetPointer(capsule, "BitGenerator");

	(void)self;
	if (!generator)
		return NULL;
	numbers = *generator;
	for (size_t done = 0; done < sizeof numbers->key;) { /* beyond 256 bytes it may give fewer (getrandom(2)) */
		ssize_t got = getrandom((char *)numbers->key + done, sizeof numbers->key - done, 0);

		if (got < 0)
			return PyErr_SetFromErrno(PyExc_OSError);
		done += (size_t)got;
	}
	numbers->key[0] |= 0x80000000U; /* never all zeros */
	numbers->position = MT19937_WORDS;
	return PyLong_FromLong(0);
}

/* clang-format off */
static PyMethodDef methods[] = {
	{ "begin", begin, METH_NOARGS, "Take over the descriptors that the spawner left; say if a trial has mounts of its own." },
	{ "flush_c", flush_c, METH_NOARGS, "Write out what the C library has buffered." },
	{ "settle_heap", settle_heap, METH_NOARGS, "Have the C library sort what was freed." },
	{ "take_snapshot", take_snapshot, METH_NOARGS, "Move the heap to a file in memory: 0, or the errno." },
	{ "written_pages", written_pages, METH_NOARGS, "What this process wrote to since its fork, as bytes." },
	{ "fork_trial", fork_trial, METH_O, "Fork a child that has this folder empty and to itself: True in there, False when it has ended." },
	{ "set_prefault", set_prefault, METH_O, "Have waiting children touch these pages: how many." },
	{ "serve", serve, METH_NOARGS, "Fork children on request; returns in each child, in its cell." },
	{ "wait_for_job", wait_for_job, METH_NOARGS, "In a child: wait for the descriptors of the job." },
	{ "reseed_mt19937", reseed_mt19937, METH_O, "Give a bit generator of numpy, by its capsule, a random state." },
	{ NULL, NULL, 0, NULL },
};
/* clang-format on */

static struct PyModuleDef definition = {
	PyModuleDef_HEAD_INIT, "_template", "What a template needs of C.", 0, methods, NULL, NULL, NULL, NULL,
};

PyMODINIT_FUNC PyInit__template(void);

PyMODINIT_FUNC PyInit__template(void)
{
	return PyModuleDef_Init(&definition);
}
