def main():
    print('then')
    import requests_not_here
