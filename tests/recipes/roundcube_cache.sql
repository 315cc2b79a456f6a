INSERT INTO cache_shared SELECT name, ends, '' FROM ending;
