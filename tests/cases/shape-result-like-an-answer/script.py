def main():
    return {"result": 1, "stdout": "not mine", "error": {"code": "INTERNAL"}}
