def main():
    return {"null": None, "true": True, "false": False, "int": 7, "float": 0.5,
            "text": "x", "list": [1, [2, [3]]], "object": {"a": {"b": {}}}, "empty": []}
