INSERT INTO users_sessions (_order, _parent_id, id, expires_at) SELECT number, 1, name, ends FROM ending;
