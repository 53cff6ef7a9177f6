-- A school's database; sandbox/host/school.py fills in the counts. Every value follows from the number of its row.

SET NAMES utf8mb4;
-- Into an empty table and without checks, InnoDB sorts the rows and writes whole pages.
SET SESSION sql_log_bin = 0, unique_checks = 0, foreign_key_checks = 0;
CREATE DATABASE school CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;
USE school;

CREATE TABLE classes (id INT PRIMARY KEY, title VARCHAR(40) NOT NULL UNIQUE);
CREATE TABLE settings (name VARCHAR(40) PRIMARY KEY, total BIGINT NOT NULL);
CREATE TABLE students (
    id INT AUTO_INCREMENT PRIMARY KEY,
    class_id INT NOT NULL,
    admission CHAR(10) NOT NULL UNIQUE,
    first_name VARCHAR(60) NOT NULL,
    last_name VARCHAR(60) NOT NULL,
    born_on DATE NOT NULL,
    address VARCHAR(200),
    full_name VARCHAR(121) AS (CONCAT(first_name, ' ', last_name)) STORED,
    KEY (full_name),
    FOREIGN KEY (class_id) REFERENCES classes (id)
);
CREATE TABLE guardians (
    id INT AUTO_INCREMENT PRIMARY KEY,
    student_id INT NOT NULL,
    name VARCHAR(80) NOT NULL,
    phone VARCHAR(20),
    email VARCHAR(80),
    KEY (phone),
    FOREIGN KEY (student_id) REFERENCES students (id)
);
CREATE TABLE attendance (
    id BIGINT AUTO_INCREMENT PRIMARY KEY,
    student_id INT NOT NULL,
    held_on DATE NOT NULL,
    state ENUM('present', 'absent', 'late') NOT NULL,
    minutes TINYINT UNSIGNED,
    KEY (student_id, held_on),
    FOREIGN KEY (student_id) REFERENCES students (id)
);
CREATE TABLE marks (
    id BIGINT NOT NULL,
    student_id INT NOT NULL,
    subject VARCHAR(20) NOT NULL,
    score DECIMAL(6, 2) NOT NULL,
    best SMALLINT NOT NULL,
    graded_at DATETIME NOT NULL,
    share DOUBLE AS (score / best) VIRTUAL,
    PRIMARY KEY (id, graded_at),
    KEY (student_id)
)
PARTITION BY RANGE COLUMNS (graded_at) (
    PARTITION y2019 VALUES LESS THAN ('2020-01-01'),
    PARTITION y2020 VALUES LESS THAN ('2021-01-01'),
    PARTITION later VALUES LESS THAN (MAXVALUE)
);
CREATE TABLE messages (
    id BIGINT AUTO_INCREMENT PRIMARY KEY,
    student_id INT NOT NULL,
    sent_at DATETIME NOT NULL,
    body TEXT NOT NULL,
    KEY (student_id),
    FOREIGN KEY (student_id) REFERENCES students (id)
);
CREATE TABLE homework (
    id INT AUTO_INCREMENT PRIMARY KEY,
    class_id INT NOT NULL,
    due_on DATE NOT NULL,
    body TEXT,
    KEY (due_on),
    FOREIGN KEY (class_id) REFERENCES classes (id)
);
CREATE TABLE fees (
    id INT AUTO_INCREMENT PRIMARY KEY,
    student_id INT NOT NULL,
    receipt VARCHAR(20) NOT NULL UNIQUE,
    amount INT NOT NULL,
    paid_at DATETIME(6) NOT NULL,
    FOREIGN KEY (student_id) REFERENCES students (id)
);
CREATE TABLE photos (
    id INT PRIMARY KEY,
    student_id INT NOT NULL,
    taken_on DATE NOT NULL,
    image MEDIUMBLOB NOT NULL,
    FOREIGN KEY (student_id) REFERENCES students (id)
);

INSERT INTO classes
SELECT seq, CONCAT('Class ', 1 + seq MOD 12, '-', CHAR(65 + seq MOD 5), seq) FROM seq_1_to_60;

INSERT INTO settings VALUES ('live fees', 0), ('fee reminders', 0), ('year', 2026);

INSERT INTO students (id, class_id, admission, first_name, last_name, born_on, address)
SELECT
    seq, 1 + seq MOD 60, CONCAT('A', LPAD(seq, 9, '0')),
    ELT(1 + CRC32(seq) MOD 16, $names),
    CONCAT(ELT(1 + CRC32(seq * 7 + 3) MOD 16, $names), ' ', seq MOD 977),
    DATE_ADD('2008-01-01', INTERVAL CRC32(seq) MOD 4000 DAY),
    CONCAT(seq MOD 400, ', ', SUBSTR(MD5(seq), 1, 12), ' Road, Bengaluru 5600', LPAD(seq MOD 99, 2, '0'))
FROM seq_1_to_$students;

INSERT INTO guardians
SELECT
    seq, seq, CONCAT(ELT(1 + CRC32(seq + 5) MOD 16, $names), ' ', seq MOD 977),
    CONCAT('+9198', LPAD(CRC32(seq) MOD 100000000, 8, '0')), CONCAT(SUBSTR(MD5(seq), 1, 10), '@example.com')
FROM seq_1_to_$students;

INSERT INTO attendance
SELECT
    seq, 1 + seq MOD $students, DATE_ADD('2023-06-01', INTERVAL seq DIV $students DAY),
    ELT(1 + CRC32(seq) MOD 4, 'present', 'present', 'absent', 'late'), CRC32(seq * 3) MOD 60
FROM seq_1_to_$attendance;

INSERT INTO marks (id, student_id, subject, score, best, graded_at)
SELECT
    seq, 1 + CRC32(seq) MOD $students, ELT(1 + seq MOD 5, 'maths', 'science', 'english', 'hindi', 'history'),
    CRC32(seq) MOD 1000 / 10, 100, TIMESTAMPADD(SECOND, seq * 67, '2019-01-01')
FROM seq_1_to_$marks;

INSERT INTO messages
SELECT
    seq, 1 + CRC32(seq) MOD $students, TIMESTAMPADD(SECOND, seq * 7, '2021-01-01'),
    CONCAT_WS(
        '. ', ELT(1 + CRC32(seq) MOD 20, $phrases), ELT(1 + CRC32(seq * 3 + 1) MOD 20, $phrases),
        ELT(1 + CRC32(seq * 5 + 2) MOD 20, $phrases), ELT(1 + CRC32(seq * 11 + 3) MOD 20, $phrases),
        CONCAT('ref ', SUBSTR(SHA1(seq), 1, 24))
    )
FROM seq_1_to_$messages;

INSERT INTO homework
SELECT
    seq, 1 + seq MOD 60, DATE_ADD('2022-06-01', INTERVAL seq MOD 1500 DAY),
    CONCAT_WS(
        '\n', ELT(1 + CRC32(seq + 1) MOD 20, $phrases), ELT(1 + CRC32(seq * 13) MOD 20, $phrases),
        ELT(1 + CRC32(seq * 17) MOD 20, $phrases), CONCAT('chapter ', seq MOD 40, ', \'exercise\' "', seq MOD 9, '"\\')
    )
FROM seq_1_to_$homework;

INSERT INTO fees
SELECT
    seq, 1 + seq MOD $students, CONCAT('R', seq), 500 + CRC32(seq) MOD 9000,
    TIMESTAMPADD(SECOND, seq * 97, '2024-01-01')
FROM seq_1_to_$fees;

-- Of every byte value, and as hard to compress as pictures are.
INSERT INTO photos
SELECT seq, seq, DATE_ADD('2023-01-01', INTERVAL seq MOD 900 DAY), CONCAT(x'$every_byte', $noise)
FROM seq_1_to_$photos;

CREATE VIEW class_sizes AS SELECT class_id, COUNT(*) AS size FROM students GROUP BY class_id;
CREATE VIEW full_classes AS
SELECT classes.title, class_sizes.size FROM class_sizes JOIN classes ON classes.id = class_sizes.class_id;
CREATE FUNCTION grade(share DOUBLE) RETURNS CHAR(1) DETERMINISTIC
RETURN IF(share >= 0.9, 'A', IF(share >= 0.6, 'B', 'C'));
CREATE PROCEDURE enrol(student INT, class INT) UPDATE students SET class_id = class WHERE id = student;
CREATE TRIGGER reminders AFTER INSERT ON fees FOR EACH ROW
UPDATE settings SET total = total + (NEW.amount > 5000) WHERE name = 'fee reminders';
CREATE EVENT forget_messages ON SCHEDULE EVERY 1 DAY STARTS '2026-01-01 02:00:00'
DO DELETE FROM messages WHERE sent_at < '2001-01-01';
