# SPDX-License-Identifier: MIT
"""numpy.linalg: systems, eigenvalues, decompositions, least squares."""
import numpy as np


def main():
    a = np.array([[4.0, -2.0, 1.0], [-2.0, 4.0, -2.0], [1.0, -2.0, 4.0]])
    b = np.array([11.0, -16.0, 17.0])
    x = np.linalg.solve(a, b)
    q, r = np.linalg.qr(a)
    u, s, vt = np.linalg.svd(a)
    values = np.linalg.eigvalsh(a)
    design = np.column_stack([np.ones(5), np.arange(5)])
    fit, *_ = np.linalg.lstsq(design, np.array([1, 3, 5, 7, 9.0]), rcond=None)
    print(np.round(x, 6))
    return {"x": np.round(x, 9), "det": round(float(np.linalg.det(a)), 9), "values": np.round(values, 9),
            "qr": bool(np.allclose(q @ r, a)), "svd": bool(np.allclose(u @ np.diag(s) @ vt, a)),
            "cholesky": np.round(np.linalg.cholesky(a), 9), "fit": np.round(fit, 9), "rank": np.linalg.matrix_rank(a),
            "inverse": bool(np.allclose(np.linalg.inv(a) @ a, np.eye(3))), "norm": np.linalg.norm([3, 4])}
