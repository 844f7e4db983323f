from platform import python_implementation as main
