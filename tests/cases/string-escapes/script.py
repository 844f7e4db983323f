def main():
    return "\"\\/\b\f\n\r\t</script>"
