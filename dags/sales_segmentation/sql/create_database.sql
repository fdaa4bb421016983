CREATE DATABASE IF NOT EXISTS {{ params.database }}
