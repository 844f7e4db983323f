def main():
    return "once"


if __name__ == "__main__":
    print("must not run")
