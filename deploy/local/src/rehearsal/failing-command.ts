// Stands in for what is loaded after the start: says something and fails.
console.log('one row of two was loaded');
process.exit(3);
