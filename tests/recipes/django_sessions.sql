INSERT INTO django_session (session_key, session_data, expire_date) SELECT name, 'eyJ9', ends FROM ending;
