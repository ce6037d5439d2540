package interop;

/**
 * The interop client program for Kafka's Java clients; the Go package line describes what it is told and what it
 * answers. The same source is compiled against each version of kafka-clients.
 */
public final class Main {
    private Main() {}

    public static void main(String[] args) throws Exception {
        String broker = args[0];
        Session session = new Session(System.in, System.out);
        session.on("produce", request -> new Producing(broker, session, request).run());
        session.on("consume", request -> new Consuming(broker, session, request).run());
        session.on("group", request -> new Membership(broker, session, request).run());
        Administration.register(broker, session);
        session.serve();
        System.exit(0);
    }
}
