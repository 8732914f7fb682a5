using System.Globalization;

namespace TinyMllm.Tests.Engine;

/// <summary>Linux is asked for pages of 2 MiB, and only where it should be; whether it has any free is its own affair.</summary>
[TestFixture]
public unsafe class HugePagesTests
{
    private const int Length = 8 << 20;

    [TestCase(true)]
    [TestCase(false)]
    public void WeightsAreMarkedIfTheyShouldBe(bool hugePages)
    {
        RequireHugePages();

        // More than a quarter of a block, so that it gets memory of its own; and more than the C library ever keeps for its next caller (32 MiB),
        // whose mark would still be on it.
        using var weights = WeightMemory.Take(2 * WeightBlocks.BlockBytes, hugePages);
        Assert.That(IsMarked(weights.Pointer + Length), Is.EqualTo(hugePages));
    }

    [TestCase(true)]
    [TestCase(false)]
    public void SmallMatricesLieInMarkedBlocks(bool hugePages)
    {
        RequireHugePages();
        using var weights = WeightMemory.Take(100, hugePages);
        Assert.That(IsMarked(weights.Pointer), Is.EqualTo(hugePages));
    }

    [TestCase(true)]
    [TestCase(false)]
    public void ScratchIsMarkedIfItShouldBe(bool hugePages)
    {
        RequireHugePages();
        using var pool = new WorkerPool(1);
        using var workspace = new Workspace(pool, hugePages);
        using var frame = workspace.Frame();
        Assert.That(IsMarked((byte*)workspace.RentDense((int)(WeightBlocks.BlockBytes / sizeof(float) / 1024), 1024).Data + Length), Is.EqualTo(hugePages));
    }

    /// <summary>Memory without a whole huge page in it, and memory that is not there, are no error.</summary>
    [Test]
    public void WhatCannotBeHadIsLeftAlone()
    {
        using var small = new NativeBuffer<byte>(4096);
        Assert.That(HugePages.Ask(small.Pointer, 4096), Is.False);
        Assert.That(HugePages.Ask((void*)0x1000, 4 << 20), Is.False);
        Assert.That(HugePages.Ask(null, 0), Is.False);
    }

    private static void RequireHugePages()
    {
        const string Setting = "/sys/kernel/mm/transparent_hugepage/enabled";
        if (!File.Exists(Setting)) Assert.Ignore("this system has no transparent huge pages");
    }

    /// <summary>Whether the mapping that holds an address has the flag <c>hg</c>.</summary>
    private static bool IsMarked(byte* address)
    {
        bool inside = false;
        foreach (string line in File.ReadLines("/proc/self/smaps"))
        {
            string first = line.Split(' ')[0];
            if (first.Contains('-') && !first.EndsWith(':'))
            {
                ulong[] ends = [.. first.Split('-').Select(end => ulong.Parse(end, NumberStyles.HexNumber, CultureInfo.InvariantCulture))];
                inside = ends[0] <= (ulong)address && (ulong)address < ends[1];
            }
            else if (inside && first == "VmFlags:")
            {
                return line.Split(' ').Contains("hg");
            }
        }

        Assert.Fail("the address lies in no mapping");
        return false;
    }
}
