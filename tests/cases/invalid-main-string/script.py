main = "def main(): return 1"
