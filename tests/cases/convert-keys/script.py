import datetime
import uuid


def main():
    return {1: "int", 1.5: "float", True: "replaces 1", None: "none", "s": "str",
            datetime.date(2024, 1, 1): "date", uuid.UUID(int=0): "uuid"}
