import java.io.File;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.hdfs.MiniDFSCluster;

/** One name node and one data node on loopback, for as long as standard input is open. */
public class MiniCluster {
    public static void main(String[] arguments) throws Exception {
        Configuration conf = new Configuration();
        conf.set("dfs.replication", "1");
        conf.set("dfs.namenode.fs-limits.min-block-size", "65536");
        try (MiniDFSCluster cluster = new MiniDFSCluster.Builder(conf, new File(arguments[0])).numDataNodes(1).build()) {
            cluster.waitActive();
            System.out.println("port " + cluster.getNameNodePort());
            System.out.flush();
            while (System.in.read() >= 0) {
                // Until whoever started us goes away.
            }
        }
    }
}
