CREATE DATABASE IF NOT EXISTS {{ settings.database }}
