package interop;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.util.Collections;
import java.util.Map;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.TopicDescription;

/** Calls that the versions of kafka-clients name differently. */
final class Versions {
    private Versions() {}

    /** describeTopics(..).allTopicNames() since 3.1, all() before. */
    static TopicDescription describeTopic(Admin admin, String topic) throws Exception {
        Object answer = admin.describeTopics(Collections.singleton(topic));
        Object future = call(answer, hasMethod(answer, "allTopicNames") ? "allTopicNames" : "all");
        return (TopicDescription) ((Map<?, ?>) call(future, "get")).get(topic);
    }

    /** alterConfigs was removed in 4.0. */
    static Object alterConfigs(Admin admin, Map<?, ?> configs) throws Exception {
        Method alter;
        try {
            alter = Admin.class.getMethod("alterConfigs", Map.class);
        } catch (NoSuchMethodException removed) {
            throw new UnsupportedOperationException("alterConfigs");
        }
        return call(call(invoke(alter, admin, configs), "all"), "get");
    }

    private static boolean hasMethod(Object object, String name) {
        for (Method method : object.getClass().getMethods()) {
            if (method.getName().equals(name)) {
                return true;
            }
        }
        return false;
    }

    private static Object call(Object object, String name) throws Exception {
        Method method = object.getClass().getMethod(name);
        return invoke(method, object);
    }

    private static Object invoke(Method method, Object object, Object... args) throws Exception {
        try {
            method.setAccessible(true);
            return method.invoke(object, args);
        } catch (InvocationTargetException problem) {
            throw problem.getCause() instanceof Exception ? (Exception) problem.getCause() : problem;
        }
    }

}
