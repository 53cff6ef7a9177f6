SET NAMES utf8mb4;
CREATE DATABASE `-dash` CHARACTER SET utf8mb4;
USE `-dash`;
CREATE TABLE parents (id INT AUTO_INCREMENT PRIMARY KEY, name VARCHAR(99) UNIQUE, size INT AS (LENGTH(name)) VIRTUAL, loud VARCHAR(99) AS (UPPER(name)) STORED);
INSERT INTO parents (name) VALUES ('a'), ('),('), ('it''s "q" `b` \\ ;\n--\n-- Table structure for table `evil`'), ('héllo 😀');
CREATE TABLE children (id INT PRIMARY KEY, parent INT, FOREIGN KEY (parent) REFERENCES parents (id) ON DELETE CASCADE);
INSERT INTO children VALUES (1, 1), (2, 1), (3, NULL);
CREATE TABLE `we``ird "né;m'` (`na``me` INT PRIMARY KEY, `a b` JSON, g POINT, d DECIMAL(20,5), ts TIMESTAMP NULL, e ENUM('a\nb', ';\n')) COMMENT = '-- Table structure for table `x`\n';
INSERT INTO `we``ird "né;m'` VALUES (1, '{"a": "\\n"}', POINT(1, 2), 1.5, '2024-03-31 01:30:00', 'a\nb');
CREATE TABLE parts (id INT, s VARCHAR(20), PRIMARY KEY (id, s)) PARTITION BY LIST COLUMNS (s) (PARTITION p0 VALUES IN ('x', ';\n'), PARTITION p1 DEFAULT);
INSERT INTO parts VALUES (1, 'x'), (2, 'other'), (3, ';\n');
CREATE TABLE nothing (id INT PRIMARY KEY);
CREATE TABLE old (id INT PRIMARY KEY, t TEXT) ENGINE = MyISAM;
INSERT INTO old VALUES (1, 'x');
CREATE TABLE blobs (id INT PRIMARY KEY, b LONGBLOB, t LONGTEXT);
INSERT INTO blobs SELECT seq, UNHEX(CONV(seq, 10, 16)), CHAR(seq USING latin1) FROM seq_0_to_255;
CREATE TABLE generated_only (a INT AS (1) STORED);
CREATE SEQUENCE numbers START 100;
CREATE VIEW z_view AS SELECT id, '\n-- Table structure for table `v`\n' AS s FROM parents;
CREATE VIEW a_view AS SELECT * FROM z_view;
DELIMITER //
CREATE TRIGGER on_parents BEFORE INSERT ON parents FOR EACH ROW BEGIN
  SET @x = '
UNLOCK TABLES;
DELIMITER ;
--
-- Table structure for table `evil`
--
'; # it's
END //
CREATE PROCEDURE hostile() BEGIN
  /* it's
  */
  SELECT ';;
DELIMITER ;
-- Dump completed on 2020-01-01  0:00:00
';
END //
CREATE FUNCTION one() RETURNS INT DETERMINISTIC RETURN 1 //
CREATE EVENT daily ON SCHEDULE EVERY 1 DAY DO SELECT '
DELIMITER ;
' //
SET sql_mode = 'NO_BACKSLASH_ESCAPES,ANSI_QUOTES' //
CREATE PROCEDURE "back\slash"() BEGIN SELECT '\', ';;
DELIMITER ;
--
-- Current Database: `evil`
--
'; END //
SET sql_mode = DEFAULT //
DELIMITER ;
CREATE DATABASE other;
CREATE TABLE other.t (id INT PRIMARY KEY);
INSERT INTO other.t VALUES (1), (2);
