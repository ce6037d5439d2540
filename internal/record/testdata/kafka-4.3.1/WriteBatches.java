// Writes the *.batch files of this folder with Apache Kafka's own classes:
//
//	java -cp "$KAFKA_4_3_1/libs/*" WriteBatches.java .
//
// kafka_test.go says what is in them.

import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import org.apache.kafka.common.compress.Compression;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.apache.kafka.common.record.TimestampType;
import org.apache.kafka.common.record.internal.*;

public class WriteBatches {
  public static void main(String[] args) throws Exception {
    for (CompressionType type : CompressionType.values()) {
      MemoryRecordsBuilder batch = MemoryRecords.builder(ByteBuffer.allocate(1 << 16), (byte) 2,
          Compression.of(type).build(), TimestampType.CREATE_TIME, 0L, 0L, 4711L, (short) 3, 9, false, -1);
      for (int i = 0; i < 200; i++) {
        batch.append(1700000000000L + (i * 37) % 50, key(i), value(i), headers(i));
      }
      ByteBuffer built = batch.build().buffer();
      byte[] bytes = new byte[built.remaining()];
      built.get(bytes);
      Files.write(Path.of(args[0], type.name + ".batch"), bytes);
    }
  }

  static ByteBuffer key(int i) {
    return i % 7 == 0 ? null : ByteBuffer.wrap(("key-" + i % 5).getBytes());
  }

  static ByteBuffer value(int i) {
    return i % 11 == 0 ? null : ByteBuffer.wrap(("value " + i + " of a record that the Java client wrote").getBytes());
  }

  static Header[] headers(int i) {
    return i % 3 != 0 ? new Header[0] : new Header[] {
        new RecordHeader("trace", ("t" + i).getBytes()), new RecordHeader("none", (byte[]) null)};
  }
}
