def main():
    return {'\udcff': 1}
