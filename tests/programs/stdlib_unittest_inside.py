# SPDX-License-Identifier: MIT
"""unittest: a suite of this module, run inside main()."""
import io
import sys
import unittest
from unittest import mock


def divide(a, b):
    return a / b


class DivideTest(unittest.TestCase):
    def test_ok(self):
        self.assertAlmostEqual(divide(1, 3), 0.3333, places=3)

    def test_zero(self):
        with self.assertRaises(ZeroDivisionError):
            divide(1, 0)

    def test_sub(self):
        for n in (1, 2):
            with self.subTest(n=n):
                self.assertEqual(divide(n, n), 1)

    @unittest.skip("not today")
    def test_skipped(self):
        self.fail()

    @unittest.expectedFailure
    def test_expected(self):
        self.assertEqual(1, 2)

    def test_mock(self):
        with mock.patch(f"{__name__}.divide", return_value=9) as fake:
            self.assertEqual(divide(1, 1), 9)
        fake.assert_called_once_with(1, 1)


def main():
    suite = unittest.defaultTestLoader.loadTestsFromModule(sys.modules[__name__])
    stream = io.StringIO()
    result = unittest.TextTestRunner(stream=stream, verbosity=2).run(suite)
    print(sum(line.endswith("ok") for line in stream.getvalue().splitlines()), "ok")
    return {"run": result.testsRun, "ok": result.wasSuccessful(), "skipped": len(result.skipped),
            "expected": len(result.expectedFailures)}
