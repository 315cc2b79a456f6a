INSERT INTO session ("sessionToken", "userId", expires) SELECT name, number, ends AT TIME ZONE 'UTC' FROM ending;
