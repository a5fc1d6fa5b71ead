"""Goals written by hand for evaluation only, before the guard was tuned: never used in training.

`POSITIVE` lines: family | language | name (`-`: the family's own) | number (`-`: none) | goal.
"""

from __future__ import annotations

POSITIVE = """
add|python|add_numbers|-|Write a Python function add_numbers that adds two numbers, with tests
add|typescript|sumTwo|-|Create a TypeScript function called sumTwo that takes two numbers and gives back their sum
add|python|-|-|I'd like a little Python function for summing up two numbers please
add|typescript|combine|-|Implement combine(a, b) in TypeScript. It must return a plus b.
add|python|plus|-|can you make me a function plus in python which returns the sum of its two inputs?
subtract|python|minus|-|In Python, write a function named minus that takes one number away from another
subtract|typescript|-|-|a typescript function to get the difference between two integers
subtract|python|take_away|-|write take_away(a, b) in python, it subtracts b from a, and test it
subtract|typescript|diff|-|Build a TS module exporting a function diff that computes a - b
multiply|python|-|-|function that multiplies two numbers together, python, with unit tests
multiply|typescript|times|-|Please implement a times function in TypeScript which returns the product of two numbers
multiply|python|product|-|Make a Python function product(x, y) that returns x times y
multiply|typescript|mulBoth|-|I need TypeScript code for multiplying two numbers, call it mulBoth
divide|python|safe_divide|-|Write safe_divide in Python: it divides two numbers and returns None when the second one is zero
divide|typescript|safeDiv|-|TypeScript function safeDiv(a, b) that divides a by b and gives null if b is zero
divide|python|-|-|python function to divide two numbers without crashing on zero, return None instead
divide|typescript|-|-|divide two numbers in typescript, returning null for division by zero
larger|python|bigger|-|a python function called bigger returning the bigger of two numbers
larger|typescript|pickLarger|-|Create pickLarger in TypeScript, a function that returns whichever of two numbers is greater
larger|python|-|-|give me the max of two numbers in python with tests
smaller|python|lesser|-|Write a Python function `lesser` which returns the smaller one of two numbers
smaller|typescript|-|-|Build a TypeScript function to find the minimum of two values
smaller|typescript|lowest|-|TypeScript: function lowest(a, b) returns the lower of the two numbers
max_list|python|find_max|-|Write find_max in Python that returns the largest number of a list
max_list|typescript|highest|-|I want a TypeScript function called highest that finds the highest value in an array of numbers
max_list|python|-|-|biggest number in a list, in python, with tests
max_list|typescript|-|-|get the maximum element from an array in TypeScript
min_list|python|-|-|python code that finds the smallest element of a list
min_list|typescript|findMin|-|Implement findMin(values) in TypeScript: returns the minimum of an array
min_list|python|lowest_number|-|Please write lowest_number, a Python function returning the lowest number in a list of numbers
sum_list|python|total|-|a function called total in Python that adds up all numbers in a list
sum_list|typescript|sumAll|-|TypeScript function sumAll which computes the sum of an array of numbers
sum_list|python|-|-|write code in python to sum the elements of a list
sum_list|typescript|-|-|Sum an array in TypeScript, with unit tests
mean|python|average|-|Write a Python function average to calculate the average of a list of numbers
mean|typescript|-|-|function for the arithmetic mean of an array in TypeScript
mean|python|mean_of|-|mean_of(values) in Python: the mean of the numbers in a list
is_even|python|is_even|-|is_even in Python
is_even|typescript|isEven|-|Create a TypeScript function isEven which returns true if the number passed is even
is_even|python|check|-|Write a Python function called check that tells me whether a number is even or not
is_even|typescript|-|-|check if a number is even in typescript
is_odd|python|odd_check|-|Python function odd_check(n) returning True for odd numbers
is_odd|typescript|-|-|determine whether an integer is odd, TypeScript, tests included
is_odd|python|-|-|I want to know if a number is odd, write a python function
square|python|square|-|Write a function square(n) in Python that returns n squared
square|typescript|-|-|TypeScript function which squares its input
square|python|by_itself|-|Make by_itself in Python, a function multiplying a number by itself
power|python|power|-|Implement power(base, exponent) in Python: returns base to the power of exponent
power|typescript|raise|-|Write a TypeScript function raise that raises a number to a given power
power|typescript|-|-|raise a base to an exponent in TypeScript
absolute|python|-|-|function to return the absolute value of a number in Python
absolute|typescript|magnitude|-|Create a function magnitude in TypeScript that gives the absolute value of its argument
absolute|python|no_sign|-|write a python function no_sign that removes the sign of a number
clamp|python|clamp|-|Write clamp(value, low, high) in Python which keeps a value between low and high
clamp|typescript|limitTo|-|TypeScript function called limitTo that restricts a number to a range given by a minimum and a maximum
clamp|python|-|-|clamp a number between a lower and upper bound, Python with tests
factorial|python|factorial|-|Write a Python function factorial that calculates the factorial of n, with tests
factorial|typescript|-|-|factorial in TypeScript
factorial|python|fac|-|please write a function fac computing n! in Python
fibonacci|python|fib|-|Python function fib returning the nth Fibonacci number
fibonacci|typescript|fibonacci|-|Implement fibonacci(n) in TypeScript
fibonacci|python|-|-|calculate the n-th number in the fibonacci sequence using python
gcd|python|gcd|-|Write a Python function gcd for the greatest common divisor of two integers
gcd|typescript|-|-|find the greatest common divisor of two numbers in TypeScript
gcd|python|hcf|-|create a function hcf in python to find the highest common factor of two numbers
lcm|python|lcm|-|lcm(a, b) in Python
lcm|typescript|-|-|TypeScript function to compute the least common multiple of two integers, with tests
lcm|python|smallest_multiple|-|Write smallest_multiple(a, b) in Python that returns the smallest common multiple of a and b
is_prime|python|is_prime|-|is_prime in Python
is_prime|typescript|isPrime|-|Write isPrime in TypeScript to check whether a number is prime, and test it
is_prime|python|-|-|I need a Python function that says if a number is a prime number
reverse|python|reverse_string|-|Create a Python function reverse_string that reverses a string
reverse|typescript|backwards|-|TypeScript function `backwards` which returns the given string backwards
reverse|python|-|-|a function that flips a string around in python
reverse|typescript|-|-|Reverse the characters of a string in TypeScript
palindrome|python|is_palindrome|-|Write is_palindrome(text) in Python with tests
palindrome|typescript|-|-|check if a word is a palindrome in TypeScript
palindrome|python|mirror|-|Python function called mirror that checks if a string reads the same forwards and backwards
count_vowels|python|count_vowels|-|Build a Python function count_vowels to count the number of vowels in a string
count_vowels|typescript|-|-|how many vowels does a string have, TypeScript function
count_vowels|python|-|-|a vowel counter in Python
count_words|python|word_count|-|Write word_count in Python that counts how many words a text has
count_words|typescript|-|-|Create a TypeScript function counting the words in a sentence
count_words|python|-|-|count the number of words in a string using Python, add tests
capitalize|python|title_case|-|Implement title_case in Python, which capitalizes each word of a string
capitalize|typescript|-|-|TypeScript function that makes the first letter of every word uppercase
capitalize|python|-|-|capitalise all the words in a sentence with Python
upper|python|shout|-|Write a Python function shout that turns text into upper case
upper|typescript|toUpper|-|toUpper in TypeScript: converts a string to uppercase letters
upper|python|-|-|make a string all caps in python
dedupe|python|dedupe|-|Write a Python function dedupe that removes duplicates from a list while keeping the order
dedupe|typescript|unique|-|Create unique(items) in TypeScript returning the list without duplicate values
dedupe|python|-|-|I need to drop duplicate elements from a list in Python
sort_desc|python|sort_down|-|Write sort_down in Python to sort a list from highest to lowest
sort_desc|typescript|-|-|sort an array of numbers in descending order in TypeScript
sort_desc|python|-|-|Python function that sorts numbers largest first
fizzbuzz|python|fizzbuzz|-|Write a fizzbuzz function in Python
fizzbuzz|typescript|-|-|FizzBuzz in TypeScript, returning a list of strings from 1 to n
fizzbuzz|python|-|-|solve the classic fizzbuzz problem in python with tests
celsius|python|c_to_f|-|Write a Python function c_to_f that converts Celsius to Fahrenheit
celsius|typescript|-|-|Convert degrees Celsius into Fahrenheit in TypeScript
celsius|python|-|-|a temperature converter from celsius to fahrenheit in python
anagram|python|is_anagram|-|Create is_anagram in Python to check whether two strings are anagrams
anagram|typescript|-|-|TypeScript function that checks if two words are anagrams of each other
anagram|python|-|-|an anagram checker in Python with unit tests
flatten|python|flatten|-|Write a Python function flatten that flattens a list of lists
flatten|typescript|flattenOnce|-|Implement flattenOnce in TypeScript, it flattens a nested array one level
flatten|python|-|-|turn a list of lists into one flat list in Python
count_value|python|occurrences|-|Write occurrences(values, value) in Python that counts how many times a value is in a list
count_value|typescript|-|-|count the occurrences of an element in an array using TypeScript
count_value|python|how_often|-|function how_often in python telling how often a given value appears in a list
add_n|python|add_seventeen|17|Write a Python function add_seventeen that adds 17 to a number
add_n|typescript|-|45|increase a number by 45 in TypeScript
add_n|python|bump|31|a function bump in Python which returns its argument plus 31
multiply_n|python|-|24|Python function that multiplies a number by 24
multiply_n|typescript|timesMany|38|Create timesMany in TypeScript, multiplying its input by 38
divisible_n|python|-|52|check whether a number is divisible by 52 in python
divisible_n|typescript|isMultiple|66|TypeScript function isMultiple that tells if a number is a multiple of 66
first_n|python|head|3|Write head in Python returning the first 3 items of a list
first_n|typescript|-|5|get the first five elements of an array in TypeScript
""".strip().split("\n")

NEGATIVE = """
Write a Python function that adds three numbers
Write a TypeScript function that adds two matrices
Create a Python function to subtract two dates
Build a function in Python that reverses a list
Write a Python function to reverse the order of words in a sentence
Sort a list in ascending order with Python
Sort a list of names alphabetically in TypeScript
Python function that counts consonants in a string
Check whether a number is even and positive in Python
Write a factorial function in Python with memoisation to a file
Python function returning all prime numbers up to n
Write a function that returns the larger of three numbers
Median of a list in Python
A CLI tool in Python that adds two numbers
REST endpoint for adding two numbers in TypeScript
Write a Python module with add and subtract functions
Mean of a list ignoring outliers in Python
Check if a string is a palindrome ignoring punctuation and spaces
TypeScript function to upper-case only the first letter of a string
Flatten a deeply nested list in Python
Convert Fahrenheit to Celsius in Python
Convert Celsius to Kelvin in TypeScript
Write a Python class Calculator with an add method
An async TypeScript function that adds two numbers
Write a function in Rust that adds two numbers
Create a JavaScript function that reverses a string
is_prime in Go
Write a Java method to compute the factorial
C++ function for gcd
A Ruby function that counts vowels
Build a web server in Python
Write a todo app in TypeScript
Make a snake game in Python
Write a SQL query to sum a column
Center a div with CSS
Create a React component with a counter button
Parse a JSON file and print the keys in Python
Download a web page with Python
Write a Python script that renames files
Implement quicksort in Python
Implement binary search in TypeScript
Build a linked list in TypeScript
Implement a stack class in Python
Dijkstra's algorithm in Python
Train a neural network in Python
Write a regular expression to validate emails in TypeScript
Generate a random password in Python
Convert a decimal number to binary in Python
Roman numeral converter in TypeScript
Check whether a year is a leap year in Python
Compute the area of a circle in TypeScript
Find the second largest number in a list in Python
Find the index of the largest element of an array in TypeScript
Find the longest word in a string with Python
Count the characters in a string in Python
Count the lines of a file in Python
Count how often each word occurs in a text
Find the most frequent item in a list in TypeScript
Remove vowels from a string in Python
Remove all duplicates from a string in TypeScript
Find the duplicates in a list in Python
Swap two numbers in Python
Compute the sum of the digits of a number in Python
Sum the even numbers in a list in TypeScript
Sum all numbers from 1 to n in Python
Compute the sum of squares of a list in Python
Square root of a number in Python
Square every number in a list in TypeScript
Check whether a number is a perfect square in Python
Check whether a number is a power of two in TypeScript
Cube of a number in Python
Absolute difference of two numbers in Python
Multiply two matrices in TypeScript
Multiply all numbers of a list in Python
Product of a list of numbers in TypeScript
Divide two numbers and raise an error if the divisor is zero in Python
Remainder of the division of two numbers in Python
Greatest common divisor of a list of numbers in Python
Least common multiple of three numbers in TypeScript
List the divisors of a number in Python
Prime factors of a number in TypeScript
The nth prime number in Python
List of the first n fibonacci numbers in Python
Is a number a fibonacci number, in TypeScript
Print fizzbuzz with custom words in Python
Lower-case a string in Python
Convert a string to snake case in TypeScript
Capitalise the first word of a sentence in Python
Reverse a number in Python
Reverse each word of a string in TypeScript
Longest palindrome in a string in Python
Group words by anagram in TypeScript
Find all anagrams of a word in Python
Clamp every value of a list in Python
Normalise a list of numbers in TypeScript
Standard deviation of a list in Python
Weighted average of two lists in Python
Merge two sorted lists in TypeScript
Intersection of two lists in Python
Concatenate two strings in TypeScript
Repeat a string three times in Python
The last 3 items of a list in Python
The first 3 characters of a string in TypeScript
Add 5 to every element of a list in Python
Multiply a number by 3 and then add 4 in Python
Check whether a number is divisible by 3 and by 5 in TypeScript
All numbers divisible by 7 below 100 in Python
Subtract 7 from a number in Python
Divide a number by 4 in TypeScript
Every 2nd item of a list in Python
Remove the first 2 items of a list in Python
Add two strings in Python
Add two lists element by element in TypeScript
Maximum of two strings by length in Python
The larger of two lists in Python
Minimum of a matrix in TypeScript
Maximum subarray sum in Python
Count words in a file with Python
Count occurrences of a letter in a string in Python
Count the even numbers in a list in Python
Count unique words in a text with TypeScript
Flatten a dictionary in Python
Two sum in Python
Write me a poem
What is the capital of Italy?
Tell me a joke about Python
hello
Please fix the bug in my repository
Explain how recursion works
Write a unit test for my login function
Write a Python decorator that times a function
Create a Discord bot in TypeScript
A Python function that adds two numbers and logs the result to a database
Write a TypeScript function that reverses a string and counts its vowels
Python function to compute the mean and the median of a list
Write a recursive descent parser in TypeScript
Simulate a bank account in Python
Compute compound interest in Python
A function that sends an email in Python
Encrypt a string with the Caesar cipher in Python
Calculate the distance between two points in TypeScript
Write a thread-safe counter in Python
Generate all permutations of a list in Python
Compute the power set of a list in TypeScript
Subtract one list from another in Python
Write a function to check balanced parentheses in Python
Shuffle a list in TypeScript
Round a number to two decimals in Python
Return the type of a value in Python
Write a Python generator that yields the squares of numbers
Average word length of a text in Python
Minimum edit distance of two words in TypeScript
Convert miles to kilometres in Python
A function that returns the sum and the product of two numbers in Python
Find the smallest missing positive number in a list in TypeScript
""".strip().split("\n")

# Written after the guard was tuned on the lists above and before it was ever run on this one, which
# then stayed as it is: the honest figure for words the guard wasn't fitted to.
FRESH = """
add|python|join_amounts|-|Hi, I need a Python function called join_amounts that adds two given integers
add|typescript|-|-|typescript function, sum of two numbers, tested
subtract|python|-|-|Write some Python code which subtracts one integer from another
subtract|typescript|minus|-|Write minus(a, b) in TS returning a minus b
multiply|typescript|-|-|multiply a by b in TypeScript and test it please
multiply|python|mult|-|Implement mult in Python. It takes two integers and returns their product.
divide|python|-|-|safe division in Python
divide|typescript|div|-|Create a function div in TypeScript that divides its first argument by its second argument, or returns null when the second is zero
larger|typescript|-|-|which of two numbers is larger, TypeScript function
smaller|python|min_of|-|min_of(a, b) in Python returns the smaller number of the two
max_list|typescript|top|-|TypeScript function `top` that returns the greatest value from a list of numbers
min_list|python|-|-|a Python function that gets the minimum value in an array
sum_list|python|add_up|-|Write add_up in Python which calculates the total of a list of numbers
mean|typescript|avg|-|avg in TypeScript: average of an array of numbers
is_even|python|-|-|Python helper that returns whether an integer is even
is_odd|typescript|isOdd|-|isOdd in TypeScript with unit tests
square|python|-|-|square of a number in Python
power|python|pow_int|-|Python function pow_int(base, exponent) to calculate base raised to exponent
absolute|typescript|-|-|absolute value function in TypeScript
clamp|typescript|clamp|-|I need clamp(value, low, high) in TypeScript
factorial|python|-|-|Please give me a Python function for the factorial of a non-negative integer
fibonacci|typescript|nthFib|-|nthFib in TypeScript returning the nth number of the Fibonacci series
gcd|typescript|-|-|greatest common factor of two integers in TypeScript
lcm|python|-|-|Python: lowest common multiple of two numbers
is_prime|python|prime_test|-|Write prime_test, a Python function that tests whether a number is prime
reverse|typescript|-|-|a TypeScript helper that reverses text
palindrome|python|-|-|Write code in Python to tell if a string is a palindrome
count_vowels|typescript|vowelCount|-|vowelCount in TypeScript: number of vowels in some text
count_words|python|-|-|function that returns the number of words in a sentence, Python
capitalize|typescript|-|-|Capitalize every word in a string with TypeScript
upper|python|-|-|Uppercase a string in Python
dedupe|typescript|-|-|Remove repeated values from an array in TypeScript, preserving order
sort_desc|python|rank|-|Write rank in Python, it sorts a list of numbers from biggest to smallest
fizzbuzz|python|-|-|fizz buzz in Python please
celsius|typescript|toF|-|Function toF in TypeScript that turns a Celsius temperature into Fahrenheit
anagram|typescript|-|-|Are two strings anagrams of each other? Write a TypeScript function
flatten|python|-|-|flatten a nested list by one level in Python, and test it
count_value|python|tally|-|Write a Python function tally that counts the occurrences of a value in a list
add_n|python|-|87|Write a Python function that adds 87 to its argument
multiply_n|python|-|52|multiply a number by 52, in Python
divisible_n|typescript|-|17|Is a number divisible by 17? TypeScript function
first_n|python|-|4|return the first four elements of a list in Python
""".strip().split("\n")

FRESH_NEGATIVE = """
Write a Python function that averages three test scores and drops the lowest
Compute the sum of two dates in TypeScript
Build a Python script that subtracts a discount from a price
A function that multiplies a string by a number in Python
Write a TypeScript function that divides a list in two halves
Return the larger of two dates in Python
Find the maximum depth of a binary tree in Python
Minimum number of coins to make change in TypeScript
Sum the numbers in a nested list with Python
Mean of the even numbers in a list in Python
Check if all numbers in a list are odd in TypeScript
Draw a square with turtle in Python
Is a string made of digits only, Python
Return the first prime larger than a number in Python
Reverse a list in place in TypeScript
Reverse the bits of an integer in Python
Check whether a list reads the same forwards and backwards in Python
Count the syllables in a word in Python
Count words that start with a vowel in TypeScript
Capitalize the last letter of each word in Python
Convert a string to lowercase in Python
Remove duplicates from a list of dictionaries by key in Python
Sort a list by absolute value in Python
Sort words by length in descending order in TypeScript
FizzBuzz in Haskell
Convert Celsius to Rankine in Python
Find the anagrams in a list of words in Python
Flatten a list completely, whatever its depth, in Python
Count the distinct values in a list in Python
Add 10 to a number and divide it by 2 in Python
Is a number divisible by both 4 and 6, in Python
Return the first 2 words of a sentence in Python
Multiply two numbers using only addition in Python
Factorial with a cache in Python
GCD of two polynomials in Python
A vowel counter web page in TypeScript
Clamp a number in JavaScript
The square of the sum of a list in Python
Write two functions, one that adds and one that subtracts, in Python
A command line calculator in TypeScript
""".strip().split("\n")
