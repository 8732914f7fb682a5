using System.Reflection;
using System.Runtime.InteropServices;
using TinyMllm.Tests.Support;

namespace TinyMllm.Tests.Api;

/// <summary>
/// The public members of the four libraries are those of the stored lists, so that a change to them is deliberate. After one that is meant, run this test with
/// <c>TINYMLLM_UPDATE_SURFACE=1</c> and commit the lists.
/// </summary>
[TestFixture]
public sealed class PublicSurfaceTests
{
    [TestCase("TinyMllm.Kernels")]
    [TestCase("TinyMllm.Engine")]
    [TestCase("TinyMllm.Loaders")]
    [TestCase("TinyMllm")]
    public void TheSurfaceIsTheStoredOne(string name)
    {
        string path = Path.Combine(Golden.Root, "Tests", "Api", "Surface", name + ".txt");
        string actual = PublicSurface.Describe(Assembly.Load(name));
        if (Environment.GetEnvironmentVariable("TINYMLLM_UPDATE_SURFACE") is "1") File.WriteAllText(path, actual);
        string[] stored = File.ReadAllLines(path), now = actual.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        string changes = string.Join("\n", stored.Except(now).Select(line => "- " + line.Trim()).Concat(now.Except(stored).Select(line => "+ " + line.Trim())));
        Assert.That(actual, Is.EqualTo(string.Concat(stored.Select(line => line + "\n"))), $"{name} has changed; if that is meant, run with TINYMLLM_UPDATE_SURFACE=1\n{changes}");
    }

    [TestCase("TinyMllm.Kernels")]
    [TestCase("TinyMllm.Engine")]
    [TestCase("TinyMllm.Loaders")]
    [TestCase("TinyMllm")]
    public void OnlyHugePagesCallNativeCode(string name)
    {
        const BindingFlags All = BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;
        string[] imports = [.. Assembly.Load(name).GetTypes().SelectMany(type => type.GetMethods(All)).Where(method => method.Attributes.HasFlag(MethodAttributes.PinvokeImpl))
            .Select(method => $"{method.DeclaringType}: {method.GetCustomAttribute<DllImportAttribute>()!.EntryPoint} of {method.GetCustomAttribute<DllImportAttribute>()!.Value}")];
        Assert.That(imports, name == "TinyMllm.Engine" ? Is.EqualTo(new[] { "TinyMllm.Engine.HugePages: madvise of libc" }) : Is.Empty);
    }

    /// <summary>On Linux .NET's cryptography is the system's OpenSSL, which an app without network may lack; only downloads may need it.</summary>
    [TestCase("TinyMllm.Kernels")]
    [TestCase("TinyMllm.Engine")]
    [TestCase("TinyMllm")]
    public void NothingNeedsOpenSsl(string name)
    {
        var references = Assembly.Load(name).GetReferencedAssemblies().Select(reference => reference.Name);
        Assert.That(references, Has.None.StartsWith("System.Security.Cryptography"));
    }
}
