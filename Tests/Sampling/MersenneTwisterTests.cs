using TinyMllm.Engine.Sampling;

namespace TinyMllm.Tests.Sampling;

public class MersenneTwisterTests
{
    [Test]
    public void The_ten_thousandth_output_is_the_standards()
    {
        // C++ standard, [rand.predef]: the 10000th consecutive invocation of a default-constructed mt19937 gives 4123659995.
        var random = new MersenneTwister(5489);
        for (int i = 1; i < 10000; i++) random.NextUInt32();
        Assert.That(random.NextUInt32(), Is.EqualTo(4123659995u));
    }

    [Test]
    public void Doubles_take_the_low_word_first()
    {
        var words = new MersenneTwister(42);
        uint low = words.NextUInt32(), high = words.NextUInt32();
        Assert.That(new MersenneTwister(42).NextDouble(), Is.EqualTo((low + high * 4294967296.0) / 18446744073709551616.0));
    }

    [Test]
    public void Indices_follow_the_weights()
    {
        var random = new MersenneTwister(7);
        float[] weights = [1, 0, 3, 6];
        int[] counts = new int[4];
        for (int i = 0; i < 20000; i++) counts[random.NextIndex(weights)]++;
        Assert.That(counts[1], Is.Zero);
        Assert.That(counts[0] / 20000.0, Is.EqualTo(0.1).Within(0.01));
        Assert.That(counts[2] / 20000.0, Is.EqualTo(0.3).Within(0.015));
        Assert.That(counts[3] / 20000.0, Is.EqualTo(0.6).Within(0.015));
    }
}
