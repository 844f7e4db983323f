def main():
    return {"rows": [0, 1, 2, {5}]}
