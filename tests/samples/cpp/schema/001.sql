CREATE TABLE greetings (text TEXT);
