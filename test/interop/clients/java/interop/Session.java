package interop;

import com.google.gson.Gson;
import com.google.gson.JsonObject;
import java.io.BufferedReader;
import java.io.BufferedWriter;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.io.OutputStreamWriter;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.atomic.AtomicInteger;

/** Runs commands from stdin, one at a time, and sends events to stdout. */
final class Session {
    /** Runs one command; what it returns, if not null, is the data of the done event. */
    interface Handler {
        Object run(JsonObject request) throws Exception;
    }

    private static final JsonObject END = new JsonObject();

    private final Gson gson = new Gson();
    private final BufferedReader in;
    private final BufferedWriter out;
    private final Map<String, Handler> handlers = new HashMap<>();
    private final LinkedBlockingQueue<JsonObject> requests = new LinkedBlockingQueue<>();
    private final AtomicInteger commits = new AtomicInteger();
    private volatile boolean stopped;
    private volatile int current;

    Session(InputStream in, OutputStream out) {
        this.in = new BufferedReader(new InputStreamReader(in, StandardCharsets.UTF_8));
        this.out = new BufferedWriter(new OutputStreamWriter(out, StandardCharsets.UTF_8), 1 << 16);
    }

    void on(String command, Handler handler) {
        handlers.put(command, handler);
    }

    boolean stopped() {
        return stopped;
    }

    /** Returns how many commits were asked for since the last call. */
    int takeCommits() {
        return commits.getAndSet(0);
    }

    void serve() throws Exception {
        Thread reader = new Thread(this::read, "stdin");
        reader.setDaemon(true);
        reader.start();
        for (JsonObject request = requests.take(); request != END; request = requests.take()) {
            current = request.get("id").getAsInt();
            stopped = false;
            commits.set(0);
            run(request);
        }
    }

    private void read() {
        try {
            for (String text = in.readLine(); text != null; text = in.readLine()) {
                JsonObject request = gson.fromJson(text, JsonObject.class);
                String command = request.get("cmd").getAsString();
                if (command.equals("stop")) {
                    stopped = true;
                } else if (command.equals("commit")) {
                    commits.addAndGet(request.get("n").getAsInt());
                } else {
                    requests.add(request);
                }
            }
        } catch (IOException gone) {
            System.err.println("stdin: " + gone);
        }
        stopped = true;
        requests.add(END);
    }

    private void run(JsonObject request) {
        Handler handler = handlers.get(request.get("cmd").getAsString());
        if (handler == null) {
            emit(new Event("unsupported"));
            return;
        }
        try {
            Object data = handler.run(request);
            Event done = new Event("done");
            done.data = data;
            emit(done);
        } catch (UnsupportedOperationException lacking) {
            emit(new Event("unsupported"));
        } catch (Throwable problem) {
            problem.printStackTrace();
            emit(new Event("fail").error(problem));
        }
    }

    synchronized void emit(Event event) {
        event.id = current;
        try {
            out.write(gson.toJson(event));
            out.write('\n');
            if (!event.e.equals("rec") && !event.e.equals("ack")) {
                out.flush();
            }
        } catch (IOException gone) {
            System.exit(1);
        }
    }

    synchronized void flush() {
        try {
            out.flush();
        } catch (IOException gone) {
            System.exit(1);
        }
    }
}
