import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.ByteBuffer;
import java.util.HexFormat;
import org.apache.kafka.common.protocol.ByteBufferAccessor;
import org.apache.kafka.common.protocol.Message;
import org.apache.kafka.common.protocol.ObjectSerializationCache;

/** Reads lines of message, version and body on its input, and fails if Kafka's class does not write the same body again. */
class Oracle {
    private static final String[] PACKAGES = {
        "org.apache.kafka.common.message.",
        "org.apache.kafka.coordinator.group.generated.",
        "org.apache.kafka.common.metadata.",
    };

    public static void main(String[] args) throws Exception {
        int same = 0;
        int differ = 0;
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in));
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            String[] words = line.split(" ", -1);
            String problem = check(words[0], Short.parseShort(words[1]), HexFormat.of().parseHex(words[2]));
            if (problem == null) {
                same++;
            } else {
                differ++;
                System.out.println(words[0] + " v" + words[1] + ": " + problem);
            }
        }
        System.out.println(same + " bodies are the same, " + differ + " differ");
        System.exit(differ == 0 && same > 0 ? 0 : 1);
    }

    private static String check(String name, short version, byte[] body) throws Exception {
        Message message = find(name);
        try {
            ByteBufferAccessor reader = new ByteBufferAccessor(ByteBuffer.wrap(body));
            message.read(reader, version);
            if (reader.remaining() > 0) {
                return reader.remaining() + " bytes are left";
            }
            ObjectSerializationCache cache = new ObjectSerializationCache();
            ByteBuffer again = ByteBuffer.allocate(message.size(cache, version));
            message.write(new ByteBufferAccessor(again), cache, version);
            return java.util.Arrays.equals(again.array(), body) ? null : "written as " + HexFormat.of().formatHex(again.array());
        } catch (RuntimeException e) {
            return e.toString();
        }
    }

    private static Message find(String name) throws Exception {
        for (String prefix : PACKAGES) {
            for (String suffix : new String[] {"Data", ""}) {
                try {
                    return (Message) Class.forName(prefix + name + suffix).getDeclaredConstructor().newInstance();
                } catch (ClassNotFoundException e) {
                    // the next one
                }
            }
        }
        throw new ClassNotFoundException(name);
    }
}
