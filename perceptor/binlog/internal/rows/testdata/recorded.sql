-- What the recorded binlogs hold: mariadb.binlog without checksums, mariadb-checksum.binlog and mariadb-compressed.binlog
-- (log_bin_compress=ON, log_bin_compress_min_len=10). MariaDB 10.11.19, binlog_row_metadata=FULL but for the last table.
CREATE TABLE shop.all_types (
  id INT UNSIGNED, part VARCHAR(8) CHARACTER SET latin1, PRIMARY KEY (part, id),
  i1 TINYINT, i2 SMALLINT UNSIGNED, i3 MEDIUMINT, i4 INT UNSIGNED, i8 BIGINT, u8 BIGINT UNSIGNED,
  de DECIMAL(20,6), df DECIMAL(38,38), fl FLOAT, db DOUBLE, bi BIT(11), ye YEAR, da DATE,
  t0 TIME, t3 TIME(3), t6 TIME(6), d0 DATETIME, d1 DATETIME(1), d6 DATETIME(6), s0 TIMESTAMP NULL, s6 TIMESTAMP(6) NULL,
  ch CHAR(5), cl CHAR(200), vl VARCHAR(300) CHARACTER SET latin1, vs VARCHAR(10) CHARACTER SET sjis, vw VARCHAR(10) CHARACTER SET utf16, bn BINARY(4), vb VARBINARY(20),
  tx TEXT, bl BLOB, en ENUM('a','ü','c'), se SET('x','y','ü') CHARACTER SET latin1, js JSON, ge POINT, uu UUID, i6 INET6, cc VARCHAR(100) COMPRESSED, cb BLOB COMPRESSED);
INSERT INTO shop.all_types VALUES
  (1, 'é', -128, 65535, -8388608, 4294967295, -9223372036854775808, 18446744073709551615, -12345.678901, 0.00000000000000000000000000000000000001, -1.5, 0.1, b'10000000001', 2155, '9999-12-31',
   '-838:59:59', '-00:00:00.001', '-12:34:56.789012', '9999-12-31 23:59:59', '2024-02-29 12:34:56.7', '2024-02-29 12:34:56.789012', '2038-01-19 03:14:07', '1970-01-01 00:00:01.000001',
   'üö', 'x', 'ß€', 'あ', '𝄞', 0x0100, 0x00ff00, 'text €', 0x00ff, 'ü', 'x,ü', '{"a": 1}', ST_GeomFromText('POINT(1 2)'), 'f47ac10b-58cc-4372-a567-0e02b2c3d479', '::1', REPEAT('ab', 40), REPEAT(0x00, 90)),
  (2, '', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, '2024-00-00', '00:00:00', '838:59:58.999', '00:00:00.000001', '0000-00-00 00:00:00', '1000-01-01 00:00:00.1', '0001-01-01 00:00:00', '0000-00-00 00:00:00', '2024-02-29 12:34:56.789012',
   '', '', '', '', '', '', '', '', '', 'a', '', '[]', ST_GeomFromText('POINT(-1 -2)'), '00000000-0000-0000-0000-000000000000', '::', '', ''),
  (3, 'n', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
   NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
UPDATE shop.all_types SET id = id + 10, de = -de, tx = NULL;
DELETE FROM shop.all_types WHERE id > 11;
SET SESSION binlog_row_image = MINIMAL;
UPDATE shop.all_types SET i1 = 5;
CREATE TABLE shop.no_names (id INT UNSIGNED PRIMARY KEY, v VARCHAR(10), e ENUM('a','b'));
SET GLOBAL binlog_row_metadata = MINIMAL;
INSERT INTO shop.no_names VALUES (4294967295, 'v', 'b');
