package interop;

/** Spreads records evenly over time; rate 0 means no bound. */
final class Pace {
    private final long start = System.nanoTime();
    private final int rate;
    private long taken;

    Pace(int rate) {
        this.rate = rate;
    }

    void await() {
        if (rate == 0) {
            return;
        }
        long early = start + taken++ * 1_000_000_000L / rate - System.nanoTime();
        if (early > 1_000_000) {
            try {
                Thread.sleep(early / 1_000_000);
            } catch (InterruptedException stop) {
                Thread.currentThread().interrupt();
            }
        }
    }
}
